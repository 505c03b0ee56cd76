// What JupyterLab shares with an extension, and the settings that the command line left in the page.

import type { Kernel } from "@jupyterlab/services";

export type ShareScope = Record<string, Record<string, { get(): Promise<() => unknown> }>>;

let scope: ShareScope = {};

export function useScope(shared: ShareScope): void {
  scope = shared;
}

/** The host's own copy of a package, the newest one where it holds several. */
export async function shared<T>(name: string): Promise<T> {
  const versions = Object.entries(scope[name] ?? {});
  versions.sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
  const newest = versions.pop();
  if (!newest) throw new Error(`This JupyterLab does not share ${name}.`);
  return (await newest[1].get())() as T;
}

/** What the board shall start with. */
export interface StartOptions {
  model?: string;
  prompt?: string | null;
  target?: string | null;
  foil?: string | null;
}

/** Left in the page by `circuitboard open`: the notebook to open, and its board. */
export interface PageSettings extends StartOptions {
  notebook: string;
}

export function pageSettings(): PageSettings | null {
  const text = document.getElementById("jupyter-config-data")?.textContent ?? "{}";
  const page = JSON.parse(text) as { circuitboard?: PageSettings | string };
  if (!page.circuitboard) return null;
  return typeof page.circuitboard === "string"
    ? (JSON.parse(page.circuitboard) as PageSettings)
    : page.circuitboard;
}

export function startOptionsFor(path: string): StartOptions | null {
  const settings = pageSettings();
  return settings?.notebook === path ? settings : null;
}

export type KernelConnection = Kernel.IKernelConnection;
