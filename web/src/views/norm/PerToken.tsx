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
import { TokenValues } from "../shared/TokenValues";

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
  const { ui } = board;
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
      <TokenValues
        name="norm"
        what={`${name} for each token`}
        ends={ends}
        side={side}
        scale={scale}
        show={(value) => show(value, 4)}
      />
    </div>
  );
}
