import type { Panel } from "../../state/panels";
import { MapView } from "./MapView";

export const mapPanel: Panel = {
  id: "map",
  title: "Map",
  about: "The whole model: every head, MLP and norm, coloured by one measure.",
  home: "map",
  applies: () => true,
  views: (board) => [
    board.mapView.value,
    board.logitsView.value,
    ...(board.ui.local<boolean>("map.classes", false).value ? [{ kind: "classes" } as const] : []),
  ],
  component: MapView,
};
