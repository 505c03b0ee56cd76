import { largest, signedScale } from "../../draw/colour";
import { signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { headAddress } from "../../state/address";
import { type Board, useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { PatternGradientView } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { endsOf, onSide } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { AuditBox } from "./AuditBox";
import { Legend, SourceChoice } from "./Controls";
import { Picked } from "./Picked";
import { blankAhead, cellAddress, cellOf } from "./rows";
import { gradientState, patternView } from "./state";

/** How the metric would answer to each weight of a head's pattern. */
export function PatternSection() {
  const board = useBoard();
  const view = patternView(board);
  if (!view) return <p class="empty">Choose a head on the map.</p>;
  return (
    <>
      <div class="row">
        <SourceChoice />
      </div>
      <OnePattern key={headAddress(view)} view={view} />
      <AuditBox exact="exact: one weight of the pattern changed alone" />
    </>
  );
}

function OnePattern({ view }: { view: PatternGradientView }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "pattern-gradient");
  const head = headAddress(view);
  return (
    <>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && !picture?.problem && (
        <>
          <Legend {...words(view)} python={info.python} />
          <div class="pattern-pair" data-stale={stale}>
            <Cells picture={picture} head={head} name="gradient" title="gradient ∂m/∂A" />
            <Cells
              picture={picture}
              head={head}
              name="product"
              title={view.contrast ? "gradient × change" : "gradient × pattern"}
            />
          </div>
          <PickedCell picture={picture} head={head} />
        </>
      )}
    </>
  );
}

function words(view: PatternGradientView): { formula: string; words: string } {
  const head = headAddress(view);
  const pattern = `A is the pattern of ${head}, row by row what a destination takes from each source; each weight is moved alone, the others of its row held.`;
  if (!view.contrast) {
    return {
      formula: "∂m/∂A and A · ∂m/∂A",
      words: `${pattern} The product is an estimate of what the metric m loses when that weight is taken away.`,
    };
  }
  const [run, other] =
    view.direction === "noising" ? ["prompt", "contrast prompt"] : ["contrast prompt", "prompt"];
  return {
    formula: "∂m/∂A and (A′ − A) · ∂m/∂A",
    words: `${pattern} The product is an estimate of the change of the ${run}'s metric m when that weight becomes what it is on the ${other}, A′.`,
  };
}

/** The tokens of the prompt that is run. */
function tokensOf(board: Board, picture: Picture | null): string[] {
  const view = picture?.view;
  const turned =
    view?.kind === "pattern-gradient" && view.contrast && view.direction === "denoising";
  const { contrastTokens, tokens: own } = board.kernel;
  const tokens = turned ? contrastTokens.value : own.value;
  return tokens.map((token) => showToken(token.text));
}

interface CellsProps {
  picture: Picture | null;
  head: string;
  name: "gradient" | "product";
  title: string;
}

function Cells({ picture, head, name, title }: CellsProps) {
  const board = useBoard();
  const { side, cell } = gradientState(board);
  const tokens = tokensOf(board, picture);
  const ends = endsOf(picture, name);
  const width = tokens.length;
  const data = blankAhead(onSide(ends, side.value), width);
  const scale = signedScale(PALETTES[board.ui.theme.value], largest(data));
  const picked = cellOf(cell.value);
  return (
    <div class="pattern-cell">
      <h3>{title}</h3>
      <GridCanvas
        name={`gradients-${name}`}
        label={title}
        rowNames={tokens}
        columnNames={tokens}
        data={data}
        scale={scale}
        legend={[signed(scale.domain[0], 3), signed(scale.domain[1], 3), ""]}
        left={62}
        maxHeight={420}
        selected={{
          row: board.position.value,
          column: picked?.head === head ? picked.source : null,
        }}
        pick={(row, column) => {
          if (column <= row) cell.value = cellAddress(head, row, column);
          board.layout.from("gradients", head);
          void board.select([...board.selection.peek()], row);
        }}
        describe={(row, column) => (
          <>
            <span>
              <code>{tokens[row]}</code>
              <sub>{row}</sub> ← <code>{tokens[column]}</code>
              <sub>{column}</sub>
            </span>
            <span class="readout-value">
              {signed(ends.baseline[row * width + column], 4)} <span class="arrow">→</span>{" "}
              <b>{signed(ends.now[row * width + column], 4)}</b>
            </span>
          </>
        )}
      />
    </div>
  );
}

/** The cell that was picked last, its estimate, and its exact number or a button for it. */
function PickedCell({ picture, head }: { picture: Picture | null; head: string }) {
  const board = useBoard();
  const { cell, side } = gradientState(board);
  const ends = endsOf(picture, "product");
  const width = Math.sqrt(ends.now.length);
  const at = cellOf(cell.value);
  if (at?.head !== head || Math.max(at.destination, at.source) >= width) {
    return <p class="faint">Choose a cell: its exact number can be measured.</p>;
  }
  const shown = side.value === "baseline" ? ends.baseline : ends.now;
  return (
    <Picked
      address={cell.value}
      estimate={shown[at.destination * width + at.source] ?? Number.NaN}
    />
  );
}
