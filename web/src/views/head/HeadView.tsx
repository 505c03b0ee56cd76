import { useMemo } from "preact/hooks";
import type { Scale } from "../../draw/colour";
import { PALETTES } from "../../draw/theme";
import { type HeadPlace, headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import type { HeadView as Asked, ModelInfo } from "../../wire/types";
import { Disclosure } from "../shared/Disclosure";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { useHeld } from "../shared/useHeld";
import { EditBar } from "./EditBar";
import { Evidence } from "./Evidence";
import { edited, editOf } from "./edit";
import { Gallery } from "./Gallery";
import { HeadOptions } from "./HeadOptions";
import { HeadText } from "./HeadText";
import { PatternCanvas } from "./PatternCanvas";
import { headView, settings } from "./state";
import { Thumbnails } from "./Thumbnails";
import { TokenTable } from "./TokenTable";
import { type HeadPatterns, headPatterns, onSide, type Pattern, scaleFor } from "./weights";

const FOCUS = [
  { value: "destination", label: "looks at" },
  { value: "source", label: "is seen by" },
] as const;

/** One head: where it looks, over the text and as a matrix, what it moves, and its neighbours. */
export function HeadView({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const place = board.head.value;
  const view = headView(board);
  return place && view && <OneHead place={place} view={view} model={model} />;
}

interface Props {
  place: HeadPlace;
  view: Asked;
  model: ModelInfo;
}

function OneHead({ place, view, model }: Props) {
  const board = useBoard();
  const { ui, kernel } = board;
  const open = settings(board);
  const { picture, stale } = useHeld(kernel.picture(view).value);
  const patterns = headPatterns(picture);
  const { shown, scale } = useShown(patterns, view);
  const problem = picture?.problem;
  return (
    <section class="head" data-testid="head-view" aria-label={`Head ${headAddress(place)}`}>
      <Thumbnails place={place} view={view} model={model} />
      <Disclosure
        title="All heads"
        about={`${model.n_layers} × ${model.n_heads} patterns`}
        name="head-gallery"
        open={open.gallery}
      >
        <Gallery model={model} />
      </Disclosure>
      <HeadOptions info={patterns.info} />
      {problem ? (
        <ProblemNote problem={problem} />
      ) : (
        <div class="head-body" data-stale={stale}>
          <div class="head-words">
            <HeadText view={view} pattern={shown} scale={scale} />
            <div class="row text-options">
              <span class="label">the framed token</span>
              <Segmented
                label="What the colours over the text mean"
                name="focus"
                options={FOCUS}
                value={ui.focusAs}
              />
              {ui.lockToken.value !== null && <span class="locked">locked</span>}
            </div>
          </div>
          <div>
            <PatternCanvas
              view={view}
              patterns={patterns}
              shown={shown}
              scale={scale}
              strips={picture?.grids.tokens_now?.data ?? null}
            />
            <EditBar place={place} size={shown.size} />
          </div>
        </div>
      )}
      <Disclosure
        title="Tokens"
        about="what each gives and takes, and what the head writes there"
        name="head-tokens"
        open={open.tokens}
      >
        <TokenTable place={place} />
      </Disclosure>
      <Disclosure
        title="Class"
        about="scores on repeated random tokens, and what the head copies"
        name="head-evidence"
        open={open.evidence}
      >
        <Evidence place={place} />
      </Disclosure>
    </section>
  );
}

/** What is drawn: one side of the cells, or the pattern as it is being painted. */
function useShown(patterns: HeadPatterns, view: Asked): { shown: Pattern; scale: Scale } {
  const board = useBoard();
  const edit = editOf(board);
  const editing = settings(board).editing.value;
  const side = editing ? "now" : board.ui.headSide.value;
  const palette = PALETTES[board.ui.theme.value];
  const painted = edit.cells.value;
  const normalise = edit.normalise.value;
  const shown = useMemo(
    () => (editing ? edited(patterns.now, painted, normalise) : onSide(patterns, side)),
    [patterns, side, editing, painted, normalise],
  );
  const scale = useMemo(
    () => scaleFor(palette, view.value, side, patterns, shown),
    [palette, view.value, side, patterns, shown],
  );
  return { shown, scale };
}
