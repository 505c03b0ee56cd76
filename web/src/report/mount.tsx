import { signal } from "@preact/signals";
import { render } from "preact";
import { applyPalette, watchTheme } from "../draw/theme";
import frame from "../styles/frame.css";
import report from "../styles/report.css";
import { Page } from "./Page";
import type { Report } from "./types";

/** What is looked at in a report: a part, and how many of the edges are drawn. */
export interface Focus {
  part: string | null;
  /** Under the pointer. */
  over: string | null;
  shown: number;
}

/** Shows a report in an element. */
export function mountReport(element: HTMLElement, given: Report): void {
  const root = document.createElement("div");
  root.className = "circuitboard report";
  root.dataset.testid = "report";
  const style = document.createElement("style");
  style.textContent = frame + report;
  element.append(style, root);
  const focus = signal<Focus>({
    part: null,
    over: null,
    shown: given.explanation.edges.length,
  });
  const asked = new URLSearchParams(location.hash.slice(1)).get("theme");
  watchTheme((theme) => {
    applyPalette(root, asked === "dark" || asked === "light" ? asked : theme);
  });
  render(<Page report={given} focus={focus} />, root);
}
