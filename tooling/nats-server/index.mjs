export { findNatsServer } from './find.mjs'
export { natsForTests } from './for-tests.mjs'
export { HOW_TO_GET_ONE, installNatsServer } from './install.mjs'
export { NatsServer, startNatsServer } from './start.mjs'
