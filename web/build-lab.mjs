// Builds the JupyterLab extension: one script and the package.json that JupyterLab reads.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const OUT = path.resolve(here, "../src/circuitboard/labextension/circuitboard");

export async function buildLab() {
  const { version } = JSON.parse(await readFile(path.join(here, "package.json"), "utf8"));
  const result = await build({
    absWorkingDir: here,
    entryPoints: ["src/lab/lab.ts"],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    write: false,
    loader: { ".css": "text" },
    logLevel: "warning",
  });
  const code = result.outputFiles[0].contents;
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 12);
  const entry = `static/remoteEntry.${hash}.js`;
  await rm(OUT, { recursive: true, force: true });
  await mkdir(path.join(OUT, "static"), { recursive: true });
  await writeFile(path.join(OUT, entry), code);
  const meta = {
    name: "circuitboard",
    version: version ?? "0.0.0",
    description: "The board beside a notebook, on the notebook's own kernel.",
    license: "MIT",
    jupyterlab: { extension: true, _build: { load: entry, extension: "./extension" } },
  };
  await writeFile(path.join(OUT, "package.json"), `${JSON.stringify(meta, null, 2)}\n`);
}
