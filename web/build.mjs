// Builds the front end: the widget's module, and the JupyterLab extension where its source is.
// With --dev it builds the page that shows the board without a kernel, and serves it.

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build, context } from "esbuild";

const here = import.meta.dirname;
const STATIC = path.resolve(here, "../src/circuitboard/static");
const BROWSERS = ["chrome111", "firefox113", "safari16.4"];

/** Style sheets become text in the module, so that the widget is one file. */
const styles = {
  name: "styles",
  setup(pipeline) {
    pipeline.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const result = await build({
        stdin: { contents: await readFile(file, "utf8"), loader: "css", sourcefile: file },
        minify: true,
        target: BROWSERS,
        write: false,
        logLevel: "warning",
      });
      return { contents: result.outputFiles[0].text, loader: "text" };
    });
  },
};

const shared = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: BROWSERS,
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "eof",
  plugins: [styles],
  logLevel: "warning",
};

/** The licences of the packages that a bundle contains: they go where the code goes. */
async function licences(metafile) {
  const found = new Set();
  for (const file of Object.keys(metafile.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (name) found.add(name);
  }
  const texts = [...found].sort().map(async (name) => {
    const text = await readFile(path.join(here, "node_modules", name, "LICENSE"), "utf8");
    return `${name}\n\n${text.trim().replaceAll("*/", "* /")}`;
  });
  return `/*! This file contains:\n\n${(await Promise.all(texts)).join("\n\n---\n\n")}\n*/\n`;
}

/** The module of one entry, in one file. */
async function buildEntry(name) {
  const { outputFiles, metafile } = await build({
    ...shared,
    entryPoints: [`src/entry/${name}.ts`],
    minify: true,
    metafile: true,
    write: false,
  });
  await mkdir(STATIC, { recursive: true });
  const file = path.join(STATIC, `${name}.js`);
  await writeFile(file, outputFiles[0].text + (await licences(metafile)));
}

export async function buildWidget() {
  await Promise.all(["widget", "saved", "report"].map(buildEntry));
}

export async function buildLab() {
  if (!existsSync(path.join(here, "src/lab/lab.ts"))) return;
  const lab = await import("./build-lab.mjs");
  await lab.buildLab();
}

export async function buildDev() {
  await build({ ...shared, entryPoints: ["dev/dev.ts"], outdir: "dev/dist" });
}

export async function serveDev() {
  const page = await context({ ...shared, entryPoints: ["dev/dev.ts"], outdir: "dev/dist" });
  await page.rebuild();
  const { port } = await page.serve({ servedir: "dev", host: "127.0.0.1", port: 8700 });
  console.log(`http://127.0.0.1:${port}/`);
}

if (process.argv.includes("--dev-once")) {
  await buildDev();
} else if (process.argv.includes("--dev")) {
  await serveDev();
} else {
  await Promise.all([buildWidget(), buildLab()]);
}
