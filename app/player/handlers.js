// What a player does when its panel or its stage is used.

/** See `Panel`. */
export function panelHandlers(player) {
  return {
    act: (name) => player.act(name),
    scrub: (frame) => player.seek(frame),
    travel: (layer) => player.travel(layer),
    speed: (factor) => {
      for (const { clock, way, panel } of player.group.members) {
        clock.speed = way.clock.speed = factor;
        panel.speed.value = factor;
      }
    },
    layer: (name) => player.fade((goal) => { goal[name] = 1 - goal[name]; }),
    toggle: (k) => player.fade((goal) => { goal.classes[k] = 1 - goal.classes[k]; }),
    isolate: (k) => player.fade((goal) => {
      const alone = goal.classes.every((v, j) => v === (j === k ? 1 : 0));
      goal.classes = goal.classes.map((_, j) => (alone || j === k ? 1 : 0));
    }),
  };
}

/** See `Pointer`. */
export function pointerHandlers(player) {
  return {
    drag: (dx, dy, seconds) => {
      player.camera.drag(dx, dy, player.painter.scale / player.painter.ratio, seconds);
      player.wake();
    },
    hold: (held, still) => {
      player.camera.held = held;
      if (held || still) player.camera.velocity = [0, 0];
      player.wake();
    },
    zoom: (factor) => {
      const zoomed = player.camera.zoomBy(factor);
      if (zoomed) player.wake();
      return zoomed;
    },
    reset: () => player.act("home-view"),
    hover: (place) => { player.pointerAt = place; player.wake(); },
  };
}
