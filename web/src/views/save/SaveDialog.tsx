import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { download, elementOf, type Kind, takePicture } from "../../save/picture";
import { useBoard } from "../../state/board";
import type { Save } from "../../wire/types";
import { Dialog } from "../shared/Dialogs";
import { ProblemNote } from "../shared/Problem";

/** Opens the ways to save what is on screen. */
export function SaveButton() {
  const { ui, kernel } = useBoard();
  return (
    <>
      {!kernel.live.value && (
        <span
          class="chip"
          data-testid="saved-board"
          title="Nothing here asks a model: hover, select and zoom work; changing the model needs a kernel."
        >
          saved board
        </span>
      )}
      <button
        type="button"
        class="plain save-button"
        data-testid="save"
        onClick={() => {
          ui.saving.value = true;
        }}
      >
        Save…
      </button>
      {ui.saving.value && <SaveDialog />}
    </>
  );
}

function SaveDialog() {
  const { ui, kernel } = useBoard();
  const close = () => {
    ui.saving.value = false;
  };
  return (
    <Dialog title="Save" close={close}>
      <Pictures />
      {kernel.live.value ? <Files /> : <p class="empty">Files of data need a kernel.</p>}
    </Dialog>
  );
}

/** What is on screen now, panel by panel. */
function Pictures() {
  const board = useBoard();
  const place = useRef<HTMLTableElement>(null);
  const failed = useSignal(false);
  const shown = board.panels.value.filter((panel) => board.ui.visible.value.has(panel.id));
  const rows = [{ id: null, title: "The whole board" }, ...shown];
  const save = async (id: string | null, kind: Kind) => {
    const root = place.current?.closest(".circuitboard");
    const element = root && elementOf(root, id);
    const content = element && (await takePicture(board, element, kind));
    failed.value = !content;
    if (content)
      download(content, `${board.kernel.model.peek()?.name ?? "board"}-${id ?? "board"}.${kind}`);
  };
  return (
    <>
      <table class="save-pictures" ref={place}>
        <caption>Picture</caption>
        <tbody>
          {rows.map(({ id, title }) => (
            <tr key={id}>
              <th scope="row">{title}</th>
              {(["png", "svg"] as const).map((kind) => (
                <td key={kind}>
                  <button
                    type="button"
                    class="plain"
                    data-testid={`save-${id ?? "board"}-${kind}`}
                    aria-label={`${title} as ${kind.toUpperCase()}`}
                    onClick={() => void save(id, kind)}
                  >
                    {kind.toUpperCase()}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {failed.value && <p class="empty">The browser could not draw this picture.</p>}
    </>
  );
}

const FILES: readonly { what: Save["what"]; label: string; about: string; line: string }[] = [
  {
    what: "html",
    label: "Page",
    about: "one HTML file that needs no kernel: hover, lock, select and zoom work",
    line: 'board.export_html("board.html")',
  },
  {
    what: "npz",
    label: "NPZ",
    about: "the numbers of the visible views, for NumPy",
    line: 'board.export_data("board.npz")',
  },
  {
    what: "csv",
    label: "CSV",
    about: "the same as tables, in a zip",
    line: 'board.export_data("board.zip")',
  },
];

/** Files that the kernel makes; each is a line of Python as well. */
function Files() {
  const board = useBoard();
  const waiting = useSignal(false);
  const done = board.kernel.saved.value;
  const working = waiting.value && done === null;
  const ask = async (what: Save["what"]) => {
    waiting.value = await board.save(what);
  };
  return (
    <section aria-label="Files">
      <dl class="save-files">
        {FILES.map(({ what, label, about, line }) => (
          <div key={what}>
            <dt>
              <button
                type="button"
                class="plain"
                data-testid={`save-${what}`}
                disabled={working}
                onClick={() => void ask(what)}
              >
                {label}
              </button>
            </dt>
            <dd>
              {about}
              <br />
              <code class="faint">{line}</code>
            </dd>
          </div>
        ))}
      </dl>
      <div aria-live="polite">
        {working && <p class="empty">Saving: what is not computed yet is computed first.</p>}
        {done?.problem && <ProblemNote problem={done.problem} />}
        {done && !done.problem && <Done />}
      </div>
    </section>
  );
}

function Done() {
  const done = useBoard().kernel.saved.value;
  if (!done) return null;
  const { name, path, content } = done;
  return (
    <p data-testid="saved-as" class="save-done">
      Saved as <code>{path}</code>{" "}
      {content && (
        <button
          type="button"
          class="plain"
          data-testid="download"
          onClick={() => download(content, name)}
        >
          Download a copy
        </button>
      )}
    </p>
  );
}
