// Serves telegram-test-api on 127.0.0.1 at the given port until it is killed: node serve.js PORT
'use strict';
const TelegramServer = require('telegram-test-api');

const hours = 3600; // What was said stays readable for as long as a test may take on a slow machine.
new TelegramServer({ port: Number(process.argv[2]), host: '127.0.0.1', storeTimeout: hours })
  .start()
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
