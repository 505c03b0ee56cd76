import { signedScale } from "../../draw/colour";
import { format, percent } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { Neighbour } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { embeddingView } from "./state";

/** What the stream starts from: the token's embedding and the position's. */
export function EmbeddingSection() {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(embeddingView(board)).value);
  const info = infoOf(picture, "embedding");
  const token = board.kernel.tokens.value[info?.position ?? 0];
  return (
    <div class="embedding" data-testid="embedding" data-stale={stale}>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && token && (
        <>
          <p class="note">
            The embedding of <code>{showToken(token.text)}</code> adds a vector of length{" "}
            {format(info.norm, 3)} here. Weights alone, nothing of the prompt.
          </p>
          <div class="neighbours">
            <Neighbours
              name="nearest"
              title="nearest in W_E"
              about="Rows of the embedding with the largest cosine"
              head="cosine"
              rows={info.nearest}
              show={(row) => format(row.value, 4)}
            />
            <Neighbours
              name="follows"
              title="direct path"
              about="What the embedding alone predicts: final norm and unembedding applied to it"
              head="probability"
              rows={info.follows}
              show={(row) => percent(row.value)}
            />
          </div>
          {picture?.grids.pos_norms && <Positions picture={picture} />}
        </>
      )}
    </div>
  );
}

interface NeighboursProps {
  name: string;
  title: string;
  about: string;
  head: string;
  rows: readonly Neighbour[];
  show: (row: Neighbour) => string;
}

function Neighbours({ name, title, about, head, rows, show }: NeighboursProps) {
  return (
    <table class="logit-table" data-testid={name} title={about}>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col" class="number">
            {head}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} data-token={row.text} title={`${row.value}`}>
            <td class="token-cell">
              <code>{showToken(row.text)}</code>
            </td>
            <td class="number">{show(row)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Positions({ picture }: { picture: Picture }) {
  const board = useBoard();
  const norms = floats(picture, "pos_norms");
  const names = Array.from(norms, (_, i) => String(i));
  const palette = PALETTES[board.ui.theme.value];
  const data = floats(picture, "pos_cosines");
  const at = board.position.value;
  return (
    <>
      <p class="note">
        Position embedding {at}: length {format(norms[at], 3)}. Cosines between the position
        embeddings of this prompt:
      </p>
      <GridCanvas
        name="pos-grid"
        label="Cosine between position embeddings"
        rowNames={names}
        columnNames={names}
        data={data}
        scale={signedScale(palette, 1)}
        legend={["\u22121", "+1", "cosine of position embeddings"]}
        left={30}
        selected={{ row: at, column: at }}
        pick={(_, column) => void board.select([...board.selection.peek()], column)}
        describe={(row, column) => (
          <>
            <span>
              positions {row} (length {format(norms[row], 3)}) and {column} (
              {format(norms[column], 3)})
            </span>
            <b>{format(data[row * names.length + column], 4)}</b>
          </>
        )}
      />
    </>
  );
}
