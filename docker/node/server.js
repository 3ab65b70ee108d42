// Any Node.js server that listens on PORT will do; nothing here knows of drover.
const http = require('http');

http
  .createServer((req, res) => res.end(`hello from process ${process.pid}\n`))
  .listen(process.env.PORT || 3000);
