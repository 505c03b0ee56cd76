import { useSignal, useSignalEffect } from "@preact/signals";
import { boardItems, toggleMenu } from "../../layout/menus";
import { useBoard } from "../../state/board";
import type { Job } from "../../wire/types";
import { SaveButton } from "../save/SaveDialog";

const SHOW_BUSY_AFTER_MS = 250;

/** Whether the model or the kernel is at work, once it takes long enough to be noticed. */
export function Busy() {
  const { kernel } = useBoard();
  const long = useSignal(false);
  useSignalEffect(() => {
    if (!kernel.busy.value) {
      long.value = false;
      return undefined;
    }
    const timer = setTimeout(() => {
      long.value = true;
    }, SHOW_BUSY_AFTER_MS);
    return () => clearTimeout(timer);
  });
  return (
    <span class="status" aria-live="polite">
      {long.value && (
        <span class="chip" data-testid="busy">
          <i class="pulse" /> model working
        </span>
      )}
      {kernel.late.value && (
        <span
          class="chip"
          data-testid="kernel-busy"
          title="The kernel answers when its cell is done"
        >
          <i class="pulse" /> kernel busy
        </span>
      )}
    </span>
  );
}

/** The jobs under way, each with its cancel button. */
export function Jobs() {
  const { kernel } = useBoard();
  const jobs = kernel.jobs.value;
  if (jobs.length === 0) return null;
  return (
    <div class="jobs" data-testid="progress">
      {jobs.map((job) => (
        <JobLine key={job.id} job={job} />
      ))}
    </div>
  );
}

function JobLine({ job }: { job: Job }) {
  const board = useBoard();
  const known = job.total > 0;
  return (
    <div class="job">
      <span class="job-label">{job.label}</span>
      <progress
        aria-label={job.label}
        value={known ? job.done : undefined}
        max={known ? job.total : undefined}
      />
      <span class="job-count">{known && `${job.done} / ${job.total}`}</span>
      <button
        type="button"
        class="plain"
        data-testid="cancel-job"
        onClick={() => board.cancel(job.id)}
      >
        Cancel
      </button>
    </div>
  );
}

/** Every panel, and help. */
function BoardButtons() {
  const { layout, panels, ui } = useBoard();
  return (
    <span class="buttons">
      <button
        type="button"
        class="plain"
        data-testid="panels-menu"
        aria-haspopup="menu"
        title="Open and close panels"
        onClick={(event) => {
          const items = boardItems(layout, panels.value);
          toggleMenu(ui, { label: "Panels", anchor: event.currentTarget, items });
        }}
      >
        Panels
      </button>
      <button
        type="button"
        class="plain"
        data-testid="open-help"
        title="Keys and the tour (?)"
        onClick={() => {
          ui.help.value = true;
        }}
      >
        Help
      </button>
    </span>
  );
}

/** What was computed for this picture, and facts about the model. */
export function Footer() {
  const { kernel } = useBoard();
  const model = kernel.model.value;
  if (!model) return null;
  const shape = [
    `${model.n_layers} × ${model.n_heads} heads`,
    `d_model ${model.d_model}`,
    `${model.d_vocab.toLocaleString("en")} tokens`,
  ];
  if (model.n_kv_heads !== model.n_heads) shape.splice(1, 0, `${model.n_kv_heads} KV heads`);
  const error = model.self_check;
  return (
    <footer class="footer">
      <span>
        <b>{model.name}</b> {shape.join(" · ")}
      </span>
      <span class="check-note" title="Checked when the model was loaded">
        <span class="long">hooked model agrees with the original: </span>max logit difference{" "}
        {error === 0 ? "0" : error.toExponential(0).replace("-", "\u2212")}
      </span>
      <span class="plan" data-testid="plan" title={kernel.plan.value}>
        {kernel.plan.value}
      </span>
      <span class="grow" />
      <Busy />
      <SaveButton />
      <BoardButtons />
    </footer>
  );
}
