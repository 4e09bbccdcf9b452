// Blocks come only when the test mines them: the pool is what is tested.
module.exports = { networks: { hardhat: { chainId: 31337, mining: { auto: false, interval: 0 } } } };
