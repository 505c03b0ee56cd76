import type { Signal } from "@preact/signals";
import { useBoard } from "../../state/board";
import type { HeadInfo } from "../../wire/types";
import { Sides } from "../shared/Segmented";
import { Toggle } from "../shared/Toggle";
import { type Shown, settings, toggleEditing } from "./state";

/** What the cells show, of which run. */
export function HeadOptions({ info }: { info: HeadInfo | null }) {
  const board = useBoard();
  const { ui } = board;
  const { shown, skipFirst, editing } = settings(board);
  const busy = editing.value;
  return (
    <div class="row head-options">
      <Values shown={shown} info={info} disabled={busy} />
      <fieldset class="plain-set" disabled={busy}>
        <Sides name="head-side" value={ui.headSide} label="Which run the cells show" />
      </fieldset>
      <Toggle
        name="value-weighted"
        label="value-weighted"
        title="Attention times the length of the value vector at the source"
        on={ui.valueWeighted}
        disabled={busy || shown.value !== "pattern"}
      />
      <Toggle
        name="skip-first"
        label="without first"
        title={
          "Hides what looks at the first token, where attention rests that has nothing to do; " +
          "of patterns, the rest of each row is scaled to sum to 1"
        }
        on={skipFirst}
        disabled={busy}
      />
      <Toggle
        name="head-edit"
        label="Edit"
        title="Paint the pattern's cells, and set it in the model"
        on={editing}
        toggle={() => toggleEditing(board)}
      />
    </div>
  );
}

interface ValuesProps {
  shown: Signal<Shown>;
  info: HeadInfo | null;
  disabled: boolean;
}

function Values({ shown, info, disabled }: ValuesProps) {
  const options: readonly { value: Shown; label: string; title: string; why: string }[] = [
    { value: "pattern", label: "Pattern", title: "Attention after the softmax", why: "" },
    {
      value: "scores",
      label: "Scores",
      title: "Attention before the softmax",
      why: info?.no_scores ?? "",
    },
    {
      value: "attribution",
      label: "Logit attribution",
      title:
        "What each destination's output owes to each source, along target minus foil, through the " +
        "final norm at its scale of the run",
      why: info?.no_attribution ?? "",
    },
  ];
  return (
    <fieldset class="segmented" aria-label="What the cells show">
      {options.map(({ value, label, title, why }) => (
        <button
          key={value}
          type="button"
          data-testid={`head-value-${value}`}
          aria-pressed={shown.value === value}
          title={why || title}
          disabled={disabled || why !== ""}
          onClick={() => {
            shown.value = value;
          }}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}
