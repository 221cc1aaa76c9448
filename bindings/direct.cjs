// jsii starts two programs: its runtime, and one that relays each message between it and Python.
// To pass a message on takes longer than to answer most of them. Here the relay's process becomes
// the runtime. What the relay does for it is done here:
// * Messages come and go by stdin and stdout in place of file descriptor 3.
// * What CDKTF prints goes to stderr as JSON, and Python prints it.
// * jsii links packages and does not copy them if it finds `--preserve-symlinks` among the
//   arguments. The option itself is in NODE_OPTIONS.
// Source: bin/jsii-runtime.ts and lib/program.ts of @jsii/runtime 1.x.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { Writable } = require("node:stream");

const FILE = /[\\/]bin[\\/]jsii-runtime\.js$/;
const RELAY = ['"--preserve-symlinks",', '"lib","program.js")', 'stdio:["ignore","pipe","pipe","pipe"]'];
const MESSAGES = "readFD:3,writeFD:3";

const programOf = (relay) => path.join(path.dirname(relay), "../lib/program.js");

// Whether a file is the relay of a runtime, both as they are expected.
exports.isRelay = (file, text) =>
  FILE.test(file) &&
  RELAY.every((part) => text.includes(part)) &&
  fs.readFileSync(programOf(file), "utf8").includes(MESSAGES);

const printed = (name) =>
  new Writable({
    write(chunk, _encoding, done) {
      fs.writeSync(2, `${JSON.stringify({ [name]: chunk.toString("base64") })}\n`);
      done();
    },
  });

// Run the runtime in place of its relay.
exports.run = (relay) => {
  const program = programOf(relay);
  for (const name of ["stdout", "stderr"]) {
    const stream = printed(name);
    Object.defineProperty(process, name, { get: () => stream });
  }
  process.execArgv.push("--preserve-symlinks");
  const runtime = new Module(program);
  runtime._compile(fs.readFileSync(program, "utf8").replace(MESSAGES, "readFD:0,writeFD:1"), program);
};
