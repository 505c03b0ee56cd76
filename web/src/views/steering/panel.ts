import type { Panel } from "../../state/panels";
import { SteeringPanel } from "./SteeringPanel";
import { steeringView } from "./state";

export const steeringPanel: Panel = {
  id: "steering",
  title: "Steering",
  about: "Add a direction to the stream, times a coefficient, and watch what the model says.",
  home: "side",
  applies: () => true,
  views: (board) => [steeringView(board), board.logitsView.value],
  component: SteeringPanel,
  keys: [
    ["← →", "on the slider: change the coefficient"],
    ["← → Enter", "on the curve: move along it; add that much"],
  ],
};
