import { largest, signedScale } from "../../draw/colour";
import { signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { PatternGradientView } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { endsOf, onSide } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { Legend } from "./Controls";
import { blankAhead } from "./rows";
import { gradientState, patternView } from "./state";

/** How the metric would answer to each weight of a head's pattern. */
export function PatternSection() {
  const board = useBoard();
  const view = patternView(board);
  if (!view) return <p class="empty">Choose a head on the map.</p>;
  return <OnePattern key={headAddress(view)} view={view} />;
}

function OnePattern({ view }: { view: PatternGradientView }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "pattern-gradient");
  return (
    <>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && (
        <>
          <Legend
            formula="∂m/∂A and A · ∂m/∂A"
            words={`A is the pattern of ${headAddress(view)}, row by row what a destination takes from each source; each weight is moved alone, the others of its row held. The product is an estimate of what the metric m loses when that weight is taken away. Not audited: a cell is not a place of its own.`}
            python={info.python}
          />
          <div class="pattern-pair" data-stale={stale}>
            <Cells picture={picture} name="gradient" title="gradient ∂m/∂A" />
            <Cells picture={picture} name="product" title="gradient × pattern" />
          </div>
        </>
      )}
    </>
  );
}

interface CellsProps {
  picture: Picture | null;
  name: "gradient" | "product";
  title: string;
}

function Cells({ picture, name, title }: CellsProps) {
  const board = useBoard();
  const side = gradientState(board).side.value;
  const tokens = board.kernel.tokens.value.map((token) => showToken(token.text));
  const ends = endsOf(picture, name);
  const width = tokens.length;
  const data = blankAhead(onSide(ends, side), width);
  const scale = signedScale(PALETTES[board.ui.theme.value], largest(data));
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
        selected={{ row: board.position.value, column: null }}
        pick={(row) => void board.select([...board.selection.peek()], row)}
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
