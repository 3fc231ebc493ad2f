// Once a document: Streamlit calls anew at each change, and loads the module again at times.

const PAGE = Symbol.for("nc-page");

export default ({ data }) => {
  const known = document[PAGE];
  const page = (document[PAGE] ??= {});
  page.player = data.player;
  if (!known) {
    page.arrive = giveKeysBack(() => page.player);
    keepGradients();
  }
  page.arrive();
};
