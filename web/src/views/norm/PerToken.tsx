import { largest, signedScale, unsignedScale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { ModelInfo } from "../../wire/types";
import { Legend } from "../shared/Legend";
import { Segmented } from "../shared/Segmented";
import { endsOf, onSide } from "../shared/sides";
import { TokenBars } from "../shared/TokenBars";
import { TokenStrip } from "../shared/TokenStrip";

type Shown = "scale" | "mean" | "before" | "after";

const SHOWN: readonly { value: Shown; label: string }[] = [
  { value: "scale", label: "scale" },
  { value: "mean", label: "mean removed" },
  { value: "before", label: "length in" },
  { value: "after", label: "length out" },
];

/** What the norm does at each token. */
export function PerToken({ picture, model }: { picture: Picture; model: ModelInfo }) {
  const board = useBoard();
  const { ui, kernel } = board;
  const chosen = ui.local<Shown>("norm.shown", "scale");
  const options = model.norm === "LN" ? SHOWN : SHOWN.filter(({ value }) => value !== "mean");
  const shown = options.some(({ value }) => value === chosen.value) ? chosen.value : "scale";
  const side = ui.local<Side>("norm.side", "now").value;
  const ends = endsOf(picture, shown);
  const values = onSide(ends, side);
  const palette = PALETTES[ui.theme.value];
  const isSigned = side === "difference" || shown === "mean";
  const most = side === "difference" ? largest(values) : largest(ends.now, ends.baseline);
  const scale = isSigned ? signedScale(palette, most) : unsignedScale(palette.norm, most);
  const show = isSigned ? signed : format;
  const focus = board.position.value;
  const pick = (index: number) => void board.select(board.selection.peek(), index);
  const tokens = kernel.tokens.value;
  const name = options.find(({ value }) => value === shown)?.label ?? shown;
  return (
    <div class="norm-tokens">
      <div class="row">
        <Segmented
          label="What is shown for each token"
          name="norm-shown"
          options={options}
          value={chosen}
        />
        <Legend scale={scale} />
        <span class="grow" />
        <span class="pair" data-testid="norm-value">
          {format(ends.baseline[focus], 4)} <span class="arrow">→</span>{" "}
          <b>{format(ends.now[focus], 4)}</b>
        </span>
      </div>
      <TokenStrip
        tokens={tokens}
        values={values}
        scale={scale}
        label={`${name} for each token, ${side}`}
        testid="norm-text"
        focus={focus}
        show={(value) => show(value, 4)}
        pick={pick}
      />
      <TokenBars
        tokens={tokens}
        ends={ends}
        label={`${name} for each token, now as bars, the baseline as lines`}
        testid="norm-bars"
        focus={focus}
        pick={pick}
      />
    </div>
  );
}
