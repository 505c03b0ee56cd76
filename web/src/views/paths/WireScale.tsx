import { signedScale } from "../../draw/colour";
import { compact, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { effectColour, effectWidth, strongest, type Weighted } from "../../edges/wire";
import { useBoard } from "../../state/board";

const PARTS = [-1, -0.5, 0.5, 1] as const;

/** How wide and what colour the wires on the map are: symmetric round zero. */
export function WireScale({ rows, top }: { rows: readonly Weighted[]; top: number }) {
  const { ui } = useBoard();
  const largest = Math.abs(strongest(rows, top).pop()?.effect ?? 0);
  if (largest === 0) return null;
  const scale = signedScale(PALETTES[ui.theme.value], largest);
  return (
    <span class="wire-scale" data-testid="wire-scale">
      {PARTS.map((part) => (
        <span key={part}>
          <i
            style={{
              height: `${effectWidth(scale, part * largest)}px`,
              background: effectColour(scale, part * largest) ?? undefined,
            }}
          />
          {largest < 0.001 ? compact(part * largest) : signed(part * largest, largest < 1 ? 3 : 2)}
        </span>
      ))}
    </span>
  );
}
