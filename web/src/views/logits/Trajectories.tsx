import { useSignal } from "@preact/signals";
import { probabilityHeights, rankHeights } from "../../draw/chart";
import { PALETTES, type Palette } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import { placeName } from "../../state/stream";
import type { Followed, TrajectoryInfo } from "../../wire/types";
import { LineChart, type Series } from "../shared/LineChart";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { logitsState, trajectoryView, typedTokens } from "./state";

const SCALES = [
  { value: "rank", label: "Rank" },
  { value: "probability", label: "Probability" },
] as const;

/** Tokens followed through the layers by the logit lens, at the position looked at. */
export function Trajectories() {
  const board = useBoard();
  const { scale } = logitsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(trajectoryView(board)).value);
  const info = infoOf(picture, "trajectory");
  return (
    <>
      <div class="row">
        <Segmented label="What the height means" name="rank-scale" options={SCALES} value={scale} />
        <AddToken />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      <Typed info={info} />
      {info && (
        <div data-stale={stale}>
          <Chart picture={picture} info={info} />
        </div>
      )}
    </>
  );
}

function AddToken() {
  const { typed } = logitsState(useBoard());
  const text = useSignal("");
  const add = (event: Event) => {
    event.preventDefault();
    const wanted = text.peek();
    if (!wanted.trim() || typed.peek().split("\n").includes(wanted)) return;
    typed.value = [...typed.peek().split("\n").filter(Boolean), wanted].join("\n");
    text.value = "";
  };
  return (
    <form class="row add-token" onSubmit={add}>
      <input
        type="text"
        class="text-input"
        data-testid="follow-input"
        aria-label="A token to follow"
        placeholder="follow a token"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="plain" data-testid="follow-add">
        Add
      </button>
    </form>
  );
}

/** What was typed, each to be taken away again; why one is refused. */
function Typed({ info }: { info: TrajectoryInfo | null }) {
  const board = useBoard();
  const { typed } = logitsState(board);
  const all = typedTokens(board);
  if (all.length === 0) return null;
  const drop = (text: string) => {
    typed.value = all.filter((other) => other !== text).join("\n");
  };
  return (
    <ul class="typed">
      {all.map((text) => {
        const refusal = info?.refused.find((one) => one.text === text);
        return (
          <li key={text} data-refused={refusal !== undefined}>
            <code>{showToken(text)}</code>
            {refusal && (
              <span data-testid="follow-refused">
                {refusal.message} <span class="hint">{refusal.hint}</span>
              </span>
            )}
            <button
              type="button"
              class="icon"
              aria-label={`Forget ${text}`}
              onClick={() => drop(text)}
            >
              ×
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function colourOf(token: Followed, index: number, palette: Palette): string {
  if (token.role === "target") return palette.target;
  if (token.role === "foil") return palette.foil;
  return palette.series[index % palette.series.length] ?? palette.text;
}

function seriesOf(picture: Picture | null, info: TrajectoryInfo, rank: boolean, palette: Palette) {
  const r = info.places.length;
  const values = (end: string, t: number) => {
    const all = floats(picture, `${rank ? "ranks" : "log_probs"}_${end}`);
    const own = [...all.subarray(t * r, (t + 1) * r)];
    return rank ? own : own.map(Math.exp);
  };
  const others = info.followed.filter(({ role }) => role !== "target" && role !== "foil");
  return info.followed.map(
    (token, t): Series => ({
      key: String(token.id),
      label: showToken(token.text),
      colour: colourOf(token, others.indexOf(token), palette),
      now: values("now", t),
      base: values("base", t),
    }),
  );
}

function Chart({ picture, info }: { picture: Picture | null; info: TrajectoryInfo }) {
  const board = useBoard();
  const rank = logitsState(board).scale.value === "rank";
  const palette = PALETTES[board.ui.theme.value];
  const at = useSignal<number | null>(null);
  const series = seriesOf(picture, info, rank, palette);
  const known = series.flatMap(({ now, base }) => [...now, ...base]).filter(Number.isFinite);
  const largest = Math.max(...known, 0);
  const point = Math.min(at.value ?? info.places.length - 1, info.places.length - 1);
  return (
    <>
      <LineChart
        name="trajectory-chart"
        label={`${rank ? "Rank" : "Probability"} of tokens through the layers`}
        points={info.places.map(placeName)}
        series={series}
        heights={(top, height) => (rank ? rankHeights : probabilityHeights)(largest, top, height)}
        at={at}
        pick={(i) => void board.select([info.places[i] ?? ""].filter(Boolean))}
      />
      <Values info={info} picture={picture} series={series} point={point} />
    </>
  );
}

interface ValuesProps {
  picture: Picture | null;
  info: TrajectoryInfo;
  series: readonly Series[];
  point: number;
}

/** The exact numbers at one layer. */
function Values({ picture, info, series, point }: ValuesProps) {
  const r = info.places.length;
  const read = (name: string, t: number) => floats(picture, name)[t * r + point] ?? Number.NaN;
  const prob = (end: string, t: number) => Math.exp(read(`log_probs_${end}`, t));
  return (
    <table class="logit-table trajectory-values" data-testid="trajectory-values">
      <thead>
        <tr>
          <th scope="col">
            after <code>{info.places[point]}</code>
          </th>
          <th scope="col" class="number wide">
            rank, baseline → now
          </th>
          <th scope="col" class="number wide">
            probability, baseline → now
          </th>
        </tr>
      </thead>
      <tbody>
        {info.followed.map((token, t) => (
          <tr key={token.id} data-token={token.text}>
            <td class="token-cell">
              <i class="dot" style={{ background: series[t]?.colour }} />
              <code>{showToken(token.text)}</code>
              {token.role && <span class={`tag is-${token.role}`}>{token.role}</span>}
            </td>
            <td class="number wide">
              {read("ranks_base", t)} → <b>{read("ranks_now", t)}</b>
            </td>
            <td class="number wide">
              {prob("base", t).toPrecision(3)} → <b>{prob("now", t).toPrecision(3)}</b>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
