// Bun's own server, with a WebSocket on the same port.
let ticks = 0;
const server = Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  hostname: process.env.HOST,
  idleTimeout: 0,
  async fetch(req, server) {
    const url = new URL(req.url);
    if (url.pathname === '/ws') {
      return server.upgrade(req) ? undefined : new Response('expected a WebSocket', { status: 400 });
    }
    if (url.pathname === '/events') {
      let timer: ReturnType<typeof setInterval>;
      const body = new ReadableStream({
        start(controller) {
          timer = setInterval(() => controller.enqueue(`data: tick ${ticks++}\n\n`), 50);
        },
        cancel() {
          clearInterval(timer);
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    }
    if (url.pathname === '/echo') {
      return new Response(await req.arrayBuffer());
    }
    return Response.json({ app: 'bun', pid: process.pid, method: req.method });
  },
  websocket: {
    message(socket, message) {
      socket.send(message);
    },
  },
});
console.log(`listening on ${server.url}`);
