import { useSignal, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { prepare } from "../../draw/canvas";
import { unsignedScale } from "../../draw/colour";
import { drawMatrix } from "../../draw/heatmap";
import { format, percent } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { type HeadPlace, headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { EvidenceScore, HeadEvidenceInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";

const SIDE = 196;
const TEXTS: Readonly<Record<EvidenceScore["name"], string>> = {
  previous: "looks at the token before",
  duplicate: "looks at the same token, one period back",
  induction: "looks at what followed the same token",
  first: "looks at the first token",
};

/** Why a head is of its class: the pattern on repeated random tokens, and what it copies. */
export function Evidence({ place }: { place: HeadPlace }) {
  const board = useBoard();
  const { layer, head } = place;
  const view = { kind: "head_evidence", layer, head, seed: 0 } as const;
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "head_evidence");
  const marked = useSignal<EvidenceScore["name"] | null>(null);
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  const pattern = picture?.grids.pattern?.data;
  if (!info || !pattern) return <p class="empty">Waiting for the model.</p>;
  const best = info.scores.reduce((a, b) => (b.value > a.value ? b : a));
  const shown = info.scores.find((score) => score.name === marked.value) ?? best;
  return (
    <div class="evidence" data-stale={stale} data-testid="evidence">
      <RepeatPattern pattern={pattern} info={info} shown={shown} place={place} />
      <div class="evidence-words">
        <table>
          <caption>
            Means over the pattern on {info.period} random tokens, twice, of the model with nothing
            done to it.
          </caption>
          <tbody>
            {info.scores.map((score) => (
              <tr key={score.name} data-shown={score.name === shown.name}>
                <th scope="row">
                  <button
                    type="button"
                    class="plain"
                    data-testid={`evidence-${score.name}`}
                    aria-pressed={score.name === shown.name}
                    onClick={() => {
                      marked.value = score.name;
                    }}
                  >
                    {score.name}
                  </button>
                </th>
                <td class="faint">{TEXTS[score.name]}</td>
                <td class="number" title={format(score.value, 4)}>
                  {format(score.value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <Copies info={info} />
      </div>
    </div>
  );
}

/** What comes out when the head looks at one token alone. */
function Copies({ info }: { info: HeadEvidenceInfo }) {
  const share = (count: number) => (info.tried ? percent(count / info.tried) : "–");
  return (
    <>
      <p data-testid="evidence-copying">
        <b>Copying</b>: looking at one token alone, the head raises that token most for{" "}
        {share(info.top1)}, among the five most for {share(info.top5)}, and lowers it among the five
        most for {share(info.bottom5)} of {info.tried} tokens
        {info.tried < info.wanted && ` (of ${info.wanted})`}.
      </p>
      <p class="faint copied">
        {info.examples.map((copied) => (
          <span key={copied.text} title={`its own logit comes out at rank ${copied.rank}`}>
            <code>{showToken(copied.text)}</code> → <code>{showToken(copied.top)}</code>
          </span>
        ))}
      </p>
    </>
  );
}

interface PatternProps {
  pattern: ArrayLike<number>;
  info: HeadEvidenceInfo;
  shown: EvidenceScore;
  place: HeadPlace;
}

/** The pattern, with the cells framed that the score is the mean of. */
function RepeatPattern({ pattern, info, shown, place }: PatternProps) {
  const { ui } = useBoard();
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = info.tokens.length;
  const paint = () => {
    const palette = PALETTES[ui.theme.value];
    const context = canvas.current && prepare(canvas.current, SIDE + 2, SIDE + 2);
    if (!context) return;
    const scale = unsignedScale(palette.attention, 1);
    const matrix = { data: pattern, rows: size, columns: size };
    drawMatrix(context, matrix, scale, palette, { x: 1, y: 1, width: SIDE, height: SIDE });
    const step = SIDE / size;
    context.strokeStyle = palette.target;
    context.lineWidth = 1.5;
    context.beginPath();
    const from = shown.offset === null ? 0 : -shown.offset;
    for (const [x, y] of outline(size, from, shown.offset === null)) {
      context.lineTo(1 + x * step, 1 + y * step);
    }
    context.closePath();
    context.stroke();
  };
  useLayoutEffect(paint, [pattern, shown, size]);
  useSignalEffect(paint);
  return (
    <canvas
      ref={canvas}
      data-testid="evidence-pattern"
      role="img"
      aria-label={
        `Pattern of ${headAddress(place)} on repeated random tokens; framed: ${shown.name}, ` +
        `mean ${format(shown.value, 4)}`
      }
    />
  );
}

/** The corners round the first column, or round a diagonal so many rows below the main one. */
function outline(size: number, from: number, column: boolean): (readonly [number, number])[] {
  if (column) {
    return [
      [0, 0],
      [1, 0],
      [1, size],
      [0, size],
    ];
  }
  const upper: (readonly [number, number])[] = [];
  const under: (readonly [number, number])[] = [];
  for (let i = 0; i < size - from; i += 1) {
    upper.push([i, from + i], [i + 1, from + i]);
    under.push([i, from + i + 1], [i + 1, from + i + 1]);
  }
  return [...upper, ...under.reverse()];
}
