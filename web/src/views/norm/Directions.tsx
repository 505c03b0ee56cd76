import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { SignedBar } from "../shared/SignedBar";
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
  const { even, target } = info;
  const all = [...order.map((i) => ratio.now[i] as number), ...(target === null ? [] : [target])];
  const top = Math.max(1e-9, ...all.map((value) => Math.abs(value / even - 1)));
  const token = kernel.tokens.value[info.position];
  return (
    <section class="directions" data-stale={stale} aria-label="Directions the gain amplifies">
      <h3 title="Length after the gain over length before it; bars: more or less than a direction spread evenly over all dimensions gets">
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
        {target !== null && (
          <Ratio name="target − foil" now={target} base={target} top={top} even={even} />
        )}
        {order.map((i) => (
          <Ratio
            key={info.parts[i]}
            name={info.parts[i] ?? ""}
            now={ratio.now[i] as number}
            base={ratio.baseline[i] ?? Number.NaN}
            top={top}
            even={even}
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
  even: number;
}

function Ratio({ name, now, base, top, even }: RatioProps) {
  const more = now / even - 1;
  const title = `${name}: × ${format(base, 4)} → × ${format(now, 4)}; evenly spread × ${format(even, 4)}`;
  return (
    <li title={title} data-special={name.includes(" ")}>
      <span class="ratio-name">{name}</span>
      <SignedBar values={[more]} top={top} />
      <span class="number">
        ×{format(now)} <i>{signed(100 * more, 1)}%</i>
      </span>
    </li>
  );
}
