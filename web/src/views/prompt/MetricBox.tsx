import { scaleLinear } from "d3-scale";
import { format, percent, signed } from "../../draw/number";
import { useBoard } from "../../state/board";

/** The number that the board watches, before and now. */
export function MetricBox() {
  const { kernel } = useBoard();
  const metric = kernel.metric.value;
  const { baseline = null, now = null, contrast = null } = metric ?? {};
  const change = baseline !== null && now !== null ? now - baseline : null;
  const relative = change !== null && baseline ? change / Math.abs(baseline) : null;
  const moved = change !== null && Math.abs(change) >= 0.005;
  return (
    <div class="metric" data-testid="metric">
      <div class="metric-name">{metric?.name.replace(/_/g, " ") ?? "metric"}</div>
      <div class="metric-numbers">
        <span class="metric-base" data-testid="metric-baseline" title="baseline">
          {format(baseline)}
        </span>
        <span class="arrow" aria-hidden="true">
          →
        </span>
        <span class="metric-now" data-testid="metric-now" title={`now: ${format(now, 5)}`}>
          {format(now)}
        </span>
      </div>
      {baseline !== null && now !== null && (
        <Bar baseline={baseline} now={now} contrast={contrast} />
      )}
      <div class="metric-change" data-moved={moved}>
        {moved ? signed(change) : "unchanged"}
        {moved && relative !== null && Math.abs(relative) < 100 && (
          <span class="faint"> {signedPercent(relative)}</span>
        )}
      </div>
      {contrast !== null && (
        <div
          class="metric-contrast"
          data-testid="metric-contrast"
          title={`the contrast prompt, nothing changed: ${format(contrast, 5)}`}
        >
          contrast {format(contrast)}
        </div>
      )}
    </div>
  );
}

function signedPercent(part: number): string {
  return (part < 0 ? "\u2212" : "+") + percent(Math.abs(part)).replace(/\.\d+/, "");
}

interface BarProps {
  baseline: number;
  now: number;
  contrast: number | null;
}

/** Baseline as a tick, the contrast prompt as a pointed one below, now as a bar from zero. */
function Bar({ baseline, now, contrast }: BarProps) {
  const low = Math.min(0, baseline, now, contrast ?? 0);
  const high = Math.max(0, baseline, now, contrast ?? 0, low + 1e-9);
  const x = scaleLinear().domain([low, high]).range([0, 100]);
  const [from, to] = [x(Math.min(0, now)), x(Math.max(0, now))];
  return (
    <div class="metric-bar" aria-hidden="true">
      <span
        class={now < 0 ? "bar-fill is-negative" : "bar-fill"}
        style={{ left: `${from}%`, width: `${to - from}%` }}
      />
      <span class="bar-zero" style={{ left: `${x(0)}%` }} />
      <span class="bar-tick" style={{ left: `${x(baseline)}%` }} />
      {contrast !== null && <span class="bar-contrast" style={{ left: `${x(contrast)}%` }} />}
    </div>
  );
}
