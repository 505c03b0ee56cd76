import { mountReport } from "../report/mount";
import type { Report } from "../report/types";

/** A circuit's report, as one file: what it draws stands in the page. */
function open(): void {
  const place = document.getElementById("board");
  const text = document.getElementById("circuitboard-report")?.textContent;
  if (!place || !text) throw new Error("There is no report in this page.");
  mountReport(place, JSON.parse(text) as Report);
}

open();
