import { colourOf, css, largest, type Scale, signedScale } from "../../draw/colour";
import { format, percent, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import { endsOf, floats, onSide, rowOf } from "../shared/sides";
import { showToken } from "../shared/token";

/** The dimensions of the stream whose values stand out, over the tokens. */
export function Outliers({ picture }: { picture: Picture }) {
  const board = useBoard();
  const position = board.position.value;
  const side = board.ui.local<Side>("norm.side", "now").value;
  const [dims, gain] = [floats(picture, "dims"), floats(picture, "gain")];
  const [relative, share] = [endsOf(picture, "relative"), endsOf(picture, "share")];
  const width = picture.grids.relative_now?.shape[1] ?? 0;
  const all = onSide(relative, side);
  const scale = signedScale(PALETTES[board.ui.theme.value], largest(all));
  return (
    <section class="outliers" aria-label="Outlier dimensions">
      <h3 title="Dimensions of the stream that enters with the largest |value| / rms at any token">
        Outlier dimensions
      </h3>
      <table class="neuron-table" data-testid="norm-outliers">
        <thead>
          <tr>
            <th scope="col">dim</th>
            <th scope="col">value / rms over the tokens</th>
            <th scope="col" title="The largest over the tokens">
              peak
            </th>
            <th scope="col" title="Share of the squared length at the token looked at">
              share
            </th>
            <th scope="col">gain</th>
          </tr>
        </thead>
        <tbody>
          {[...dims].map((dim, row) => {
            const values = onSide(rowOf(relative, row, width), side);
            const shares = onSide(rowOf(share, row, width), side);
            const peak = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
            return (
              <tr key={dim}>
                <th scope="row">{dim}</th>
                <td class="wide">
                  <HeatRow values={values} scale={scale} />
                </td>
                <td class="number">{signed(peak)}</td>
                <td class="number">
                  {side === "difference"
                    ? signed(shares[position], 3)
                    : percent(shares[position] ?? 0)}
                </td>
                <td class="number">{format(gain[dim], 2)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** One dimension's values, a cell for each token. */
function HeatRow({ values, scale }: { values: Float32Array; scale: Scale }) {
  const board = useBoard();
  const tokens = board.kernel.tokens.value;
  const position = board.position.value;
  return (
    <span class="heat-row">
      {[...values].map((value, i) => {
        const colour = colourOf(scale, value);
        return (
          <i
            key={i}
            data-focus={i === position}
            title={`${showToken(tokens[i]?.text ?? "")}: ${signed(value, 3)}`}
            style={colour ? { background: css(colour) } : undefined}
          />
        );
      })}
    </span>
  );
}
