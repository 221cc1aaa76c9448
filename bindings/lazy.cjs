// Node.js does what is used, when it is used. Three things of CDKTF load all at once:
// * The index of a provider's package requires every one of its resources (2,212 files for AWS).
//   Make each line a getter, so that a resource is loaded when jsii asks for it. Line for line, so
//   that stack traces stay true.
// * CDKTF requires the library for zip archives, used by assets that are folders only.
// * The command line requires the translator from HCL, used by `cdktf convert` only.
// And CDKTF captures a whole stack trace for each token. It would show jsii's frames, none of the
// user's in Python: an empty one does. And jsii's relay becomes what it relays to: direct.cjs.
// What has another shape than expected is loaded as it is.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const direct = require("./direct.cjs");

const INDEX = /[\\/]@cdkt[fn][\\/]provider-[^\\/]+[\\/](.*[\\/])?lib[\\/]index\.js$/;
const LINE = /^exports\.(\w+) = (require\("\.\/[^"]+"\)|__importStar\(require\("\.\/[^"]+"\)\));$/gm;
const TRACE = /[\\/]cdkt[fn][\\/](.*[\\/])?lib[\\/]tokens[\\/]private[\\/]stack-trace\.js$/;
const ENDLESS = "Error.stackTraceLimit = Number.MAX_SAFE_INTEGER;";
const REQUIRE = /\brequire\(/g;
const DEFERRED = /^(archiver|@cdkt[fn]\/hcl2cdk)$/;
const EXPORT = /\bexports\.(\w+) = /g;

const count = (pattern, text) => (text.match(pattern) ?? []).length;

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  if (INDEX.test(filename) && count(LINE, content) === count(REQUIRE, content)) {
    content = content.replace(
      LINE,
      'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => $2 });',
    );
  }
  if (TRACE.test(filename)) content = content.replace(ENDLESS, "Error.stackTraceLimit = 0;");
  if (direct.isRelay(filename, content)) {
    content = `require(${JSON.stringify(require.resolve("./direct.cjs"))}).run(__filename);`;
  }
  return compile.call(this, content, filename, ...rest);
};

// A function, for archiver is one, with the properties that the module's text says it exports.
const deferred = (load, text) => {
  const stand_in = (...args) => load()(...args);
  for (const [, name] of text.matchAll(EXPORT)) {
    Object.defineProperty(stand_in, name, { enumerable: true, configurable: true, get: () => load()[name] });
  }
  return stand_in;
};

const require_ = Module.prototype.require;
Module.prototype.require = function (id) {
  const load = () => require_.call(this, id);
  if (!DEFERRED.test(id)) return load();
  const text = fs.readFileSync(Module._resolveFilename(id, this), "utf8");
  return text.includes("__exportStar(") ? load() : deferred(load, text);
};
