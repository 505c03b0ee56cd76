import { useRef } from "preact/hooks";
import { format } from "../../draw/number";
import type { Picture } from "../../state/kernel";
import type { CircuitInfo } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";

interface Run {
  name: string;
  label: string;
  metric: number;
  share: number;
  strong?: boolean;
}

/** Each run with a name, its metric, and how much of the whole model's it is. */
function runsOf(picture: Picture, info: CircuitInfo): Run[] {
  const metric = (i: number) => picture.grids.metric?.data[i] ?? Number.NaN;
  const share = (i: number) => picture.grids.faithfulness?.data[i] ?? Number.NaN;
  const { cut, kept } = info;
  const runs: Run[] = [{ name: "all", label: "all edges", metric: metric(0), share: 1 }];
  if (cut > kept)
    runs.push({ name: "cut", label: `${cut} before pruning`, metric: metric(2), share: share(0) });
  runs.push({
    name: "kept",
    label: `these ${kept}`,
    metric: metric(3),
    share: share(1),
    strong: true,
  });
  if (info.other && info.by === "address") {
    const label = `second, ${info.other_size}`;
    runs.push({ name: "other", label, metric: metric(4), share: share(2) });
  }
  runs.push({ name: "none", label: "no edges", metric: metric(1), share: 0 });
  return runs;
}

/** The metric with only the circuit's edges live, between that of all edges and that of none. */
export function Faithfulness({ picture, info }: { picture: Picture; info: CircuitInfo }) {
  const runs = runsOf(picture, info);
  const known = useRef<Run[]>([]);
  const waiting = runs.some(({ metric }) => Number.isNaN(metric));
  if (!waiting) known.current = runs;
  if (info.problem) return <ProblemNote problem={{ kind: "circuit", ...pick(info) }} />;
  // What was known stays while the new edges are measured, so that nothing flickers.
  const shown = runs.map((run) => {
    const last = known.current.find(({ name }) => name === run.name);
    return Number.isNaN(run.metric) && last ? { ...last, label: run.label } : run;
  });
  const pairs = info.pairs === 1 ? "" : `, mean of ${info.pairs} pairs`;
  return (
    <table class="neuron-table circuit-runs" data-testid="circuit-runs" data-waiting={waiting}>
      <thead>
        <tr>
          <th scope="col">only these live</th>
          <th scope="col" title={`${info.metric} on ${info.measured}${pairs}`}>
            {info.metric}
          </th>
          <th
            scope="col"
            title="(metric − that of no edges) / (that of all edges − that of no edges), in the untouched model; every other edge carries what it carries in the contrast prompt"
          >
            faithfulness
          </th>
          <td />
        </tr>
      </thead>
      <tbody>
        {shown.map((run) => (
          <Row key={run.name} run={run} />
        ))}
      </tbody>
    </table>
  );
}

function pick({ problem, hint }: CircuitInfo) {
  return { message: problem, hint };
}

function Row({ run }: { run: Run }) {
  const { name, label, metric, share, strong } = run;
  const width = Number.isNaN(share) ? 0 : Math.max(0, Math.min(1, share));
  return (
    <tr
      data-testid={`circuit-run-${name}`}
      data-metric={metric}
      data-share={share}
      data-strong={strong}
      title={`${label}: ${format(metric, 5)}, faithfulness ${format(share, 5)}`}
    >
      <th scope="row">{label}</th>
      <td class="number">{Number.isNaN(metric) ? "…" : format(metric, 3)}</td>
      <td class="number">{Number.isNaN(share) ? "…" : format(share, 3)}</td>
      <td class="circuit-share" aria-hidden="true">
        <span>
          <i style={{ width: `${100 * width}%` }} />
        </span>
      </td>
    </tr>
  );
}
