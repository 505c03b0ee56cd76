import { useSignal } from "@preact/signals";
import type { Claim, Report } from "./types";

/** The account: sentences by role, each with the Python that gives its number again. */
export function Account({ report }: { report: Report }) {
  const blocks: { heading: string; claims: Claim[] }[] = [];
  for (const claim of report.explanation.account) {
    const last = blocks[blocks.length - 1];
    if (last && last.heading === claim.group) last.claims.push(claim);
    else blocks.push({ heading: claim.group, claims: [claim] });
  }
  return (
    <section aria-label="Account" data-testid="account">
      <h2>Account</h2>
      <p class="muted">
        Step by step, in the order in which the model comes to the parts. Each sentence opens to the
        Python that gives its number again; where the evidence is weak, it says so.
      </p>
      {blocks.map(({ heading, claims }, i) => (
        <div key={`${heading}${claims[0]?.code}`} class="account-block">
          {(heading || i > 0) && <h3>{heading ? upper(heading) : "What is left"}</h3>}
          {claims.map((claim) => (
            <Sentence key={claim.code + claim.text} claim={claim} setup={report.code} />
          ))}
        </div>
      ))}
    </section>
  );
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Sentence({ claim, setup }: { claim: Claim; setup: string }) {
  const code = `${setup}\nvalues = ${claim.code}  # one for each prompt\nvalues.mean()`;
  return (
    <details class="claim" data-weak={claim.weak} data-testid="claim">
      <summary>{claim.text}</summary>
      <pre>{code}</pre>
      <CopyButton text={code} />
    </details>
  );
}

function CopyButton({ text }: { text: string }) {
  const done = useSignal(false);
  return (
    <button
      type="button"
      class="action"
      onClick={() => {
        void navigator.clipboard?.writeText(text).then(() => {
          done.value = true;
        });
      }}
    >
      {done.value ? "Copied" : "Copy"}
    </button>
  );
}
