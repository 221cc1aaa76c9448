// The index of a provider's package requires every one of its resources (2,212 files for AWS), of
// which a program uses a few. Make each line a getter, so that a resource is loaded when jsii asks
// for it. Line for line, so that stack traces stay true. An index of another shape stays as it is.
"use strict";
const Module = require("node:module");

const INDEX = /[\\/]@cdkt[fn][\\/]provider-[^\\/]+[\\/](.*[\\/])?lib[\\/]index\.js$/;
const LINE = /^exports\.(\w+) = (require\("\.\/[^"]+"\)|__importStar\(require\("\.\/[^"]+"\)\));$/gm;
const REQUIRE = /\brequire\(/g;

const count = (pattern, text) => (text.match(pattern) ?? []).length;

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  if (INDEX.test(filename) && count(LINE, content) === count(REQUIRE, content)) {
    content = content.replace(
      LINE,
      'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => $2 });',
    );
  }
  return compile.call(this, content, filename, ...rest);
};
