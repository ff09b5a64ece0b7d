// The order in which a scene is computed: forward node by node, then back.

// A position is a number of steps done. `valueAt` and `gradientAt` say from which position on the
// value and the gradient of each wire are known.
function schedule(scene, data) {
  const steps = [{ kind: "start", node: -1, time: 0 }];
  const valueAt = new Map();
  const gradientAt = new Map();
  scene.nodes.forEach((node, index) => {
    if (isComputed(node)) steps.push({ kind: "forward", node: index, time: node.time ?? 0 });
    for (const value of node.outs) valueAt.set(value, steps.length - 1);
  });
  const forward = steps.length - 1;
  if (data.hasGradients) backwardSteps(scene, data, steps, gradientAt);
  const backward = steps.length - 1 - forward;
  steps.push({ kind: "end", node: -1, time: Infinity });
  return { steps, valueAt, gradientAt, forward, backward };
}

function isComputed(node) {
  return (node.kind === "operation" || node.kind === "region") && node.ins.length > 0;
}

function backwardSteps(scene, data, steps, gradientAt) {
  const reached = new Set();
  const end = scene.nodes.findIndex((node) => node.kind === "output");
  const last = Math.max(...scene.nodes.map((node) => node.time ?? 0));
  for (const [value] of scene.nodes[end].ins) reached.add(value);
  steps.push({ kind: "seed", node: end, time: last + 0.5 });
  for (const value of reached) gradientAt.set(value, steps.length - 1);
  for (let index = scene.nodes.length - 1; index >= 0; index -= 1) {
    const node = scene.nodes[index];
    const isOnTheWay = isComputed(node) && node.outs.some((value) => reached.has(value));
    const moved = node.ins.map(([value]) => value).filter((v) => data.values[v].gradient !== null);
    if (!isOnTheWay || !moved.length) continue;
    steps.push({ kind: "backward", node: index, time: 2 * last + 1 - (node.time ?? 0) });
    for (const value of moved) {
      reached.add(value);
      gradientAt.set(value, steps.length - 1); // the last reader's step is the one that counts
    }
  }
}

// Who reads a value: [node, operand] pairs, in the order in which their gradients arrive.
function readersOf(scene, value) {
  const found = [];
  scene.nodes.forEach((node, index) => {
    node.ins.forEach(([read], operand) => {
      if (read === value) found.push([index, operand]);
    });
  });
  return found.reverse();
}

// The position in another scene at which as much is computed.
function positionAt(plan, time) {
  let found = 0;
  plan.steps.forEach((step, position) => {
    if (step.time <= time) found = position;
  });
  return found;
}
