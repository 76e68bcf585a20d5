// model-viewer's own scene, a scene of three.js: for what its element has no words for. Found by its symbol's name.

export function sceneOf(viewer) {
  return viewer[Object.getOwnPropertySymbols(viewer).find((symbol) => symbol.description === 'scene')];
}
