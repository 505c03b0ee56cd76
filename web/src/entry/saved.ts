import { mount } from "../app";
import { replayTransport } from "../transport/replay";
import { mountPanel } from "../views/alone/mount";
import type { Recording } from "../wire/types";

/**
 * A board saved as one file: its recording stands in the page. The address may name one panel to
 * show alone, a theme, and what is selected: `board.html#panel=head&select=L2H1&theme=dark`.
 */
function open(): void {
  const place = document.getElementById("board");
  const text = document.getElementById("circuitboard-recording")?.textContent;
  if (!place || !text) throw new Error("There is no board in this page.");
  const asked = new URLSearchParams(location.hash.slice(1));
  const theme = asked.get("theme");
  if (theme) document.body.dataset.jpThemeLight = String(theme === "light");
  const panel = asked.get("panel") ?? place.dataset.panel;
  const recording = JSON.parse(text) as Recording;
  const selection = asked.get("select")?.split(",") ?? recording.state.selection;
  const state = { ...recording.state, selection };
  const transport = replayTransport({ ...recording, state });
  if (panel) mountPanel(place, transport, panel);
  else mount(place, transport);
}

window.addEventListener("hashchange", () => location.reload());
open();
