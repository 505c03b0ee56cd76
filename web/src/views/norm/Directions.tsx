import { format } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { endsOf } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { directionsView } from "./place";
import { bySize } from "./rows";

/** Which of the directions written at the token looked at the gain makes longer. */
export function Directions({ address }: { address: string }) {
  const board = useBoard();
  const { kernel } = board;
  const { picture, stale } = useHeld(kernel.picture(directionsView(board, address)).value);
  const info = infoOf(picture, "norm-directions");
  if (!picture || !info) return null;
  const ratio = endsOf(picture, "ratio");
  const order = bySize(ratio.now);
  const top = Math.max(info.even, info.target ?? 0, ...order.map((i) => ratio.now[i] as number));
  const token = kernel.tokens.value[info.position];
  return (
    <section class="directions" data-stale={stale} aria-label="Directions the gain amplifies">
      <h3 title="Length after the gain over length before it; the line is what a direction spread evenly over all dimensions gets">
        Amplified by the gain
        {token && (
          <span class="faint">
            {" "}
            what is written at <code>{showToken(token.text)}</code>
            <sub>{info.position}</sub>
          </span>
        )}
      </h3>
      <ol class="ratios" data-testid="norm-directions">
        {info.target !== null && (
          <Ratio name="target − foil" now={info.target} base={info.target} top={top} info={info} />
        )}
        {order.map((i) => (
          <Ratio
            key={info.parts[i]}
            name={info.parts[i] ?? ""}
            now={ratio.now[i] as number}
            base={ratio.baseline[i] ?? Number.NaN}
            top={top}
            info={info}
          />
        ))}
      </ol>
    </section>
  );
}

interface RatioProps {
  name: string;
  now: number;
  base: number;
  top: number;
  info: { even: number };
}

function Ratio({ name, now, base, top, info }: RatioProps) {
  const at = (value: number) => `${(100 * value) / top}%`;
  const title = `${name}: × ${format(base, 4)} → × ${format(now, 4)}; evenly spread × ${format(info.even, 4)}`;
  return (
    <li title={title} data-special={name.includes(" ")}>
      <span class="ratio-name">{name}</span>
      <span class="ratio-bar" aria-hidden="true">
        <i style={{ width: at(now) }} />
        {!Number.isNaN(base) && <b style={{ left: at(base) }} />}
        <u style={{ left: at(info.even) }} />
      </span>
      <span class="number">×{format(now)}</span>
    </li>
  );
}
