import { mount } from "../app";
import { jupyterTransport, type WidgetModel } from "../transport/jupyter";

interface Context {
  model: WidgetModel;
  el: HTMLElement;
}

function render({ model, el }: Context): () => void {
  // The host's element has no height of its own; the board fills what it is given.
  el.style.height = "100%";
  return mount(el, jupyterTransport(model));
}

export default { render };
