import { useEffect, useRef } from "preact/hooks";
import { useBoard } from "../../state/board";

/** The library, as the kernel gave it: asked for once on a page. */
let library: Promise<string> | null = null;

// The frame has no origin: what runs in it can reach neither the page nor the network's cookies.
const FRAME = `<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<style>html,body,#plot{margin:0;height:100%;background:transparent}</style><div id="plot"></div>
<script>
const draw = ({ figure, dark }) => {
  const { data, layout = {} } = JSON.parse(figure);
  const ink = dark ? "#ecebe7" : "#1f1e1c";
  const ours = { autosize: true, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { color: ink, ...layout.font }, margin: { t: 36, r: 16, b: 40, l: 48 } };
  delete layout.width; delete layout.height;
  Plotly.react("plot", data, { ...ours, ...layout }, { responsive: true, displaylogo: false });
};
addEventListener("message", ({ data }) => {
  if (data.library && !window.Plotly) {
    const script = document.createElement("script");
    script.textContent = data.library;
    document.head.append(script);
  }
  if (data.figure) draw(data);
});
parent.postMessage("plot frame", "*");
</script>`;

/** A plotly figure, live, in a frame of its own. */
export function Plotly({ figure, title }: { figure: string; title: string }) {
  const board = useBoard();
  const frame = useRef<HTMLIFrameElement>(null);
  const ready = useRef(false);
  const dark = board.ui.theme.value === "dark";
  useEffect(() => {
    const send = async () => {
      library ??= board.library("plotly");
      const source = await library;
      if (!source) library = null;
      frame.current?.contentWindow?.postMessage({ library: source, figure, dark }, "*");
    };
    const loaded = (event: MessageEvent) => {
      if (event.source !== frame.current?.contentWindow || event.data !== "plot frame") return;
      ready.current = true;
      void send();
    };
    addEventListener("message", loaded);
    if (ready.current) frame.current?.contentWindow?.postMessage({ figure, dark }, "*");
    return () => removeEventListener("message", loaded);
  }, [board, figure, dark]);
  return (
    <iframe ref={frame} class="own-plot" sandbox="allow-scripts" srcdoc={FRAME} title={title} />
  );
}
