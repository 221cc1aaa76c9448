// Draws DOT sources with Graphviz, compiled to WebAssembly: the same bytes on any machine.
// Reads {"sources": {name: dot}, "images": [...]} and writes {name: svg}, as JSON.
import { readFileSync } from "node:fs";
import { Graphviz } from "@hpcc-js/wasm-graphviz";

const { sources, images } = JSON.parse(readFileSync(0, "utf8"));
const graphviz = await Graphviz.load();
const drawn = Object.entries(sources).map(([name, dot]) => [
  name,
  graphviz.layout(dot, "svg", "nop2", { images }),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(drawn)));
