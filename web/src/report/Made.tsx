import type { Report } from "./types";

/** How it was made: settings, libraries, and the Python that sets everything up again. */
export function Made({ report }: { report: Report }) {
  const { explanation } = report;
  const { made } = explanation.circuit;
  const rows: [string, string][] = [
    ["made", `${report.made}, ${report.made_with}`],
    ["model", explanation.model],
    ["task", `${explanation.task.name}, ${made.task}`],
    ["method", explanation.circuit.method],
    ["settings", JSON.stringify(made.settings)],
    [
      "versions",
      Object.entries(explanation.versions)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
  ];
  return (
    <section aria-label="How it was made">
      <h2>How it was made</h2>
      <dl class="made">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <pre>{report.code}</pre>
      <details>
        <summary>{explanation.task.pairs.length} pairs of prompts</summary>
        <ol class="pairs">
          {explanation.task.pairs.map((pair) => (
            <li key={`${text(pair.clean)} ${text(pair.corrupt)}`}>
              <div>{text(pair.clean)}</div>
              <div class="muted">{text(pair.corrupt)}</div>
              <div class="faint">
                {pair.targets.join(", ")} rather than {pair.foils.join(", ")}
              </div>
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

function text(prompt: string | number[]): string {
  return typeof prompt === "string" ? prompt : prompt.join(" ");
}
