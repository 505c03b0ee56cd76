import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { OwnInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { useHeld } from "../shared/useHeld";
import { ArrayDrawing } from "./ArrayDrawing";
import { Markdown } from "./Markdown";
import { Plotly } from "./Plotly";
import { Rows } from "./Rows";
import { useBlob } from "./useBlob";

const SLOW = 1;
const NOT_KEPT = "A plotly figure needs its library, which a saved board does not hold.";

/** What a function of the user's returned last. */
export function OwnView({ id, title }: { id: string; title: string }) {
  const { kernel } = useBoard();
  const { picture } = useHeld(kernel.picture({ kind: "own", id }).value);
  const info = infoOf(picture, "own");
  const slow = info && info.seconds > SLOW ? `took ${info.seconds.toFixed(1)} s` : "";
  return (
    <section
      class="own"
      data-testid={`own-${id}`}
      data-shows={info?.shows}
      data-current={info?.current ?? false}
      aria-label={title}
      aria-busy={info?.running ?? true}
    >
      <header class="section-head">
        <h2>{title}</h2>
        <span class="grow" />
        <span class="faint" role="status">
          {info?.running ? "running …" : slow}
        </span>
      </header>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {picture && info && (
        <div data-stale={!info.current}>
          <Shown info={info} picture={picture} title={title} />
        </div>
      )}
    </section>
  );
}

interface ShownProps {
  info: OwnInfo;
  picture: Picture;
  title: string;
}

function Shown({ info, picture, title }: ShownProps) {
  const { kernel } = useBoard();
  switch (info.shows) {
    case "waiting":
      return <p class="empty">Waiting for its first run.</p>;
    case "text":
      return <pre class="own-text">{info.text}</pre>;
    case "markdown":
      return <Markdown text={info.text} />;
    case "image":
      return <Image picture={picture} mime={info.mime} title={title} />;
    case "plotly":
      if (!kernel.live.value) return <p class="empty">{NOT_KEPT}</p>;
      return <Plotly figure={info.text} title={title} />;
    case "table":
      return info.table && <Rows table={info.table} title={title} />;
    case "array":
      return <ArrayDrawing info={info} grid={picture.grids.values} title={title} />;
    case "error":
      return (
        <div class="own-error" role="alert">
          <p>The view failed. Mend its cell and run it again; the rest of the board goes on.</p>
          <pre class="own-text">{info.text}</pre>
        </div>
      );
  }
}

/** As an image element, in which a picture cannot run anything. */
function Image({ picture, mime, title }: { picture: Picture; mime: string; title: string }) {
  const source = useBlob(picture.grids.image?.data, mime);
  return source ? <img class="own-image" src={source} alt={title} /> : null;
}
