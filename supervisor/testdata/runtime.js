// A program that has a channel, takes messages of its own, and knows nothing of drover. A line of the test is
// answered by a message with what it asks for.
const { fork } = require('child_process');

if (process.argv[2] === 'child') { // its channel is to the program
  process.send('from the child');
  setTimeout(() => process.exit(), 200); // the time in which a report would come
} else {
  const heard = [];
  const held = Array.from({ length: 1000 }, () => new WeakRef({ a: [] }));
  let collected = false;
  if (typeof Bun !== 'undefined') { // which collects by itself, too, when it has nothing else to do
    const { gc } = Bun;
    Bun.gc = (now) => {
      collected = now;
      return gc(now);
    };
  }
  process.on('message', (m) => {
    heard.push(m);
    if (m.block) for (const end = Date.now() + m.block; Date.now() < end;);
    if (m.fork) {
      const child = fork(__filename, ['child']);
      const said = [];
      child.on('message', (m) => said.push(m));
      child.on('close', () => process.send({ said }));
      child.on('exit', () => setImmediate(() => child.emit('close')));
    }
    if (m.ask) process.send({ held: typeof Bun === 'undefined' ? held.filter((ref) => ref.deref()).length : collected ? 0 : 1000, heard: heard.length });
  });
}
