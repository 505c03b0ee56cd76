import { largest } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { PatchingInfo } from "../../wire/types";
import { SignedBar } from "../shared/SignedBar";
import { showToken } from "../shared/token";
import { PinButton } from "./PinBar";
import { chooseCell } from "./pin";
import { patchingState, strongest } from "./state";

interface Props {
  info: PatchingInfo;
  values: Float32Array;
  most: number;
}

/** The cells of the largest change as a table, each with its control. */
export function CellTable({ info, values, most }: Props) {
  const board = useBoard();
  const { chosen, shown } = patchingState(board);
  const share = shown.value === "share";
  const way = info.source - info.run;
  const rows = strongest(values, most);
  const top = largest(values);
  const { contrastTokens, tokens } = board.kernel;
  const texts = (info.direction === "denoising" ? contrastTokens : tokens).value;
  return (
    <table class="parts-table patching-table" data-testid="patching-cells">
      <caption class="sr-only">Places of the largest change, the largest first</caption>
      <thead>
        <tr>
          <th scope="col">place</th>
          <th scope="col" />
          <th scope="col" class="number">
            patched
          </th>
          <th scope="col" class="number">
            change
          </th>
          <th scope="col" class="number">
            share
          </th>
          <th scope="col">
            <span class="sr-only">pin</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((i) => {
          const address = info.places[i] ?? "";
          const value = values[i] ?? 0;
          const change = share ? value * way : value;
          const token = texts[Number(address.split("@")[1] ?? -1)];
          return (
            <tr key={address} data-testid="patching-row" data-selected={address === chosen.value}>
              <td>
                <button
                  type="button"
                  class="part-name"
                  onClick={() => chooseCell(board, address)}
                  title={`Select ${address}`}
                >
                  {address}
                </button>{" "}
                {token && <code class="faint">{showToken(token.text)}</code>}
              </td>
              <td class="bar-cell">
                <SignedBar values={[value]} top={top} />
              </td>
              <td class="number">{format(info.run + change)}</td>
              <td class="number">{signed(change)}</td>
              <td class="number">{way === 0 ? "–" : format(change / way, 3)}</td>
              <td class="number">
                <PinButton info={info} address={address} name={`pin-${address}`} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
