import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useBoard } from "../../state/board";
import { ContrastLine, MakeContrast } from "./ContrastLine";
import { DragGhost } from "./DragGhost";
import { MetricBox } from "./MetricBox";
import { Tokens } from "./Tokens";

interface Draft {
  prompt: string;
  target: string;
  foil: string;
  contrast: string;
}

const SAME = (a: Draft, b: Draft) =>
  a.prompt === b.prompt && a.target === b.target && a.foil === b.foil && a.contrast === b.contrast;

/** What is being typed, until the kernel has it. */
function useDraft() {
  const board = useBoard();
  const { kernel } = board;
  const typed = useSignal<Partial<Draft>>({});
  const refused = useRef<Draft | null>(null);
  const known: Draft = {
    prompt: kernel.prompt.value,
    target: kernel.metric.value?.target ?? "",
    foil: kernel.metric.value?.foil ?? "",
    contrast: kernel.contrast.value,
  };
  const draft: Draft = { ...known, ...typed.value };
  const apply = async (again: boolean) => {
    const sent = { ...known, ...typed.peek() };
    // A contrast prompt begins as a copy of the prompt: as long as it is one, there is none.
    if (!known.contrast && sent.contrast === sent.prompt) sent.contrast = "";
    if (!again && (SAME(sent, known) || (refused.current && SAME(sent, refused.current)))) return;
    const accepted = await board.prompt(sent.prompt, sent.target, sent.foil, sent.contrast);
    refused.current = accepted ? null : sent;
    if (accepted) typed.value = {};
  };
  const restore = () => {
    typed.value = {};
    kernel.refused.value = null;
  };
  const type = (part: Partial<Draft>) => {
    typed.value = { ...typed.peek(), ...part };
  };
  return { draft, changed: !SAME(draft, known), apply, restore, type };
}

const TALLEST = 71;

/** As tall as the text, up to a limit, at any width. */
function useTall(area: { current: HTMLTextAreaElement | null }, text: string): void {
  const fit = useRef(() => {
    const own = area.current;
    if (!own) return;
    own.style.height = "auto";
    own.style.height = `${Math.min(own.scrollHeight + 2, TALLEST)}px`;
  });
  useLayoutEffect(() => fit.current(), [text]);
  useLayoutEffect(() => {
    let width = 0;
    const observer = new ResizeObserver(([entry]) => {
      const now = entry?.contentRect.width ?? 0;
      if (now !== width) fit.current();
      width = now;
    });
    if (area.current) observer.observe(area.current);
    return () => observer.disconnect();
  }, [area]);
}

export function PromptBar() {
  const { draft, changed, apply, restore, type } = useDraft();
  const form = useRef<HTMLFormElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const { kernel } = useBoard();
  const saved = !kernel.live.value;
  const known = kernel.contrast.value;
  const making = useSignal(false);
  if (known && making.value) making.value = false;
  useTall(area, draft.prompt);
  return (
    <header class="prompt">
      <form
        ref={form}
        class="prompt-form"
        data-changed={changed}
        onSubmit={(event) => {
          event.preventDefault();
          void apply(true);
        }}
        onFocusOut={(event) => {
          const to = event.relatedTarget as Node | null;
          if (!form.current?.contains(to)) void apply(false);
        }}
        onKeyDown={(event) => {
          const onButton = (event.target as Element).matches("button");
          if (event.key === "Escape") {
            restore();
            making.value = false;
          } else if (event.key === "Enter" && !onButton && !event.shiftKey && !event.isComposing)
            void apply(true);
          else return event.stopPropagation();
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        <textarea
          ref={area}
          class="prompt-text"
          rows={1}
          readOnly={saved}
          spellcheck={false}
          aria-label="Prompt"
          title="Enter applies, Shift+Enter starts a line, Escape restores"
          data-testid="prompt-input"
          value={draft.prompt}
          onInput={(event) => type({ prompt: event.currentTarget.value })}
        />
        <div class="prompt-fields">
          <TokenField
            name="target"
            text={draft.target}
            saved={saved}
            type={(target) => type({ target })}
          />
          <TokenField name="foil" text={draft.foil} saved={saved} type={(foil) => type({ foil })} />
          <button type="submit" class="apply" data-testid="apply-prompt" disabled={saved}>
            Apply
          </button>
          {!known && !making.value && !saved && (
            <MakeContrast
              begin={() => {
                making.value = true;
                type({ contrast: draft.prompt });
              }}
            />
          )}
        </div>
        <ContrastLine
          text={draft.contrast}
          type={(contrast) => type({ contrast })}
          making={making}
        />
      </form>
      <MetricBox />
      <Tokens />
      <DragGhost />
    </header>
  );
}

interface FieldProps {
  name: "target" | "foil";
  text: string;
  saved: boolean;
  type: (text: string) => void;
}

function TokenField({ name, text, saved, type }: FieldProps) {
  return (
    <label class={`field is-${name}`}>
      <span>{name}</span>
      <input
        type="text"
        size={Math.max(6, Math.min(16, text.length + 1))}
        readOnly={saved}
        spellcheck={false}
        autocomplete="off"
        data-testid={`${name}-input`}
        value={text}
        onInput={(event) => type(event.currentTarget.value)}
      />
    </label>
  );
}
