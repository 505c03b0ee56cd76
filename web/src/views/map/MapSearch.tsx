import { useSignal } from "@preact/signals";
import { useBoard } from "../../state/board";
import type { MapModel } from "./MapView";

const LISTED = 10;

/** Finds parts by address, class, state or kind; Enter goes from one to the next. */
export function MapSearch({ map }: { map: MapModel }) {
  const board = useBoard();
  const open = useSignal(false);
  const { tools } = map;
  const matches = tools.found.value?.matches ?? [];
  const go = (index: number) => {
    const match = matches[index];
    if (!match) return;
    tools.cursor.value = index;
    map.zoom.reveal(map.layout.peek()?.byAddress.get(match.address));
    // While an edge is drawn, what is found is where it ends.
    if (map.cable.point(match.address)) return;
    void board.select([match.address]);
  };
  const all = () => void board.select(matches.map(({ address }) => address));
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Enter" && map.edges.draft.peek()?.to && tools.cursor.peek() >= 0) {
      map.cable.finish();
    } else if (event.key === "Enter" && event.shiftKey) all();
    else if (event.key === "Enter" || event.key === "ArrowDown") {
      go((tools.cursor.peek() + 1) % matches.length);
    } else if (event.key === "ArrowUp") {
      go((tools.cursor.peek() + matches.length - 1) % matches.length);
    } else if (event.key === "Escape") {
      tools.query.value = "";
      (event.currentTarget as HTMLElement).blur();
    } else return;
    event.preventDefault();
  };
  return (
    <span class="map-search">
      <input
        type="text"
        class="field"
        placeholder="Find: L9H9, induction, ablated …"
        aria-label="Find parts by address, class or state"
        title="An address or several (L9H9, 10.7), a class (induction, previous, duplicate, copying), a state (ablated, frozen), a kind (mlp)"
        data-testid="map-search"
        spellcheck={false}
        value={tools.query.value}
        onInput={(event) => {
          tools.query.value = event.currentTarget.value;
          tools.cursor.value = -1;
        }}
        onFocus={() => {
          open.value = true;
        }}
        onBlur={() => {
          open.value = false;
        }}
        onKeyDown={onKeyDown}
      />
      <span class="map-said" role="status">
        {tools.found.value && `${matches.length} found`}
      </span>
      {open.value && tools.found.value && <Results map={map} go={go} all={all} />}
    </span>
  );
}

interface ResultsProps {
  map: MapModel;
  go: (index: number) => void;
  all: () => void;
}

function Results({ map, go, all }: ResultsProps) {
  const { tools } = map;
  const found = tools.found.value;
  if (!found) return null;
  const { title, matches, waiting } = found;
  const from = Math.max(0, Math.min(tools.cursor.value - LISTED + 1, matches.length - LISTED));
  // A press must not take the focus away from the text, or the list would close before the click.
  const stay = (event: Event) => event.preventDefault();
  return (
    <div class="map-results" data-testid="map-results">
      <p class="map-results-head">
        {title && <b>{title}: </b>}
        {matches.length.toLocaleString("en")} found{waiting && ", scores are being computed"}
      </p>
      <ul>
        {matches.slice(from, from + LISTED).map(({ address, note }, i) => (
          <li key={address}>
            <button
              type="button"
              class="map-result"
              tabIndex={-1}
              aria-current={from + i === tools.cursor.value}
              onPointerDown={stay}
              onMouseDown={stay}
              onClick={() => go(from + i)}
            >
              <code>{address}</code> <span class="faint">{note}</span>
            </button>
          </li>
        ))}
      </ul>
      {matches.length > 0 && (
        <p class="map-results-foot">
          <kbd>Enter</kbd> next
          <span class="grow" />
          <button
            type="button"
            class="plain"
            data-testid="map-search-select"
            tabIndex={-1}
            title="Shift and Enter"
            onPointerDown={stay}
            onMouseDown={stay}
            onClick={all}
          >
            Select all {matches.length.toLocaleString("en")}
          </button>
        </p>
      )}
    </div>
  );
}
