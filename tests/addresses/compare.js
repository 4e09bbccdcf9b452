// Our rules against an independent validator, npm's multicoin-address-validator (pinned in tests/support/npm): on every coin that both
// know, whole addresses and the same with one character changed. Each disagreement has to be one of `differences`, and each of those has
// to happen. Addresses come from vectors.txt and, where a coin is base58check or segregated witness, from a seeded generator that shares
// no code with us.
//
//   node compare.js NODE_MODULES ADDRESS_LINES VECTORS
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');

const [modules, lines, vectors] = process.argv.slice(2);
const home = path.join(modules, 'multicoin-address-validator');
const validator = require(home);
const segwit = require(path.join(home, 'src/crypto/segwit_addr'));
const utils = require(path.join(home, 'src/crypto/utils'));

// Their coin -> our network, where the names differ or their coin has a chain of its own. All others are tokens on Ethereum.
const ownNetwork = { bch: 'bch', bsv: 'bsv', waves: 'waves', xmr: 'xmr', ada: 'ada', xrp: 'xrp', xlm: 'xlm', trx: 'trx', eos: 'eos', xtz: 'xtz',
  algo: 'algo', dot: 'dot', sol: 'sol', hbar: 'hbar', nano: 'nano', xem: 'xem', sc: 'sc', apt: 'apt', bonk: 'sol', neo: 'neo', zen: 'zen',
  cro: 'cro', bnb: 'bsc', avax: 'cchain', arb: 'arbitrum', op: 'op', flr: 'flr', s: 'sonic', matic: 'matic', vet: 'vet', etc: 'etc', ethw: 'ethw',
  celo: 'celo', cusd: 'celo', bera: 'bera', chz: 'chz', btc: 'btc', ltc: 'ltc', doge: 'doge', dash: 'dash', zec: 'zec', btg: 'btg',
  dgb: 'dgb', qtum: 'qtum', kmd: 'kmd', dcr: 'dcr', pivx: 'pivx' };
// The same ticker, another thing.
const namesakes = { uni: 'eth', aave: 'eth', mana: 'eth', inj: 'eth', fet: 'eth', band: 'eth' };

// Why we differ, who takes the address and how to know such a one. `theirs`: they take it and we do not. An example where vectors.txt has none.
const differences = [];
const differ = (coins, theirs, why, is, example) => differences.push({ coins: coins.split(' '), theirs, why, is, example, count: 0 });

differ('bch', true, 'they never look at the checksum of a CashAddr address (bch_validator.js refuses when it is right)', a => /^(bitcoincash:)?[qpQP]/.test(a));
differ('bch', false, 'token-aware addresses (types z and r) came later', a => /^bitcoincash:[zr]/.test(a));
differ('bch', false, 'an address in upper case with its prefix is allowed by the specification', a => /^BITCOINCASH:/.test(a));
differ('bsv', true, 'this chain ended pay-to-script-hash in 2020: what is sent to 3... is lost', a => /^3/.test(a));
differ('dot', true, 'they take an SS58 address of any network', a => /^[1-9A-Za-z]{46,48}$/.test(a));
differ('xtz', true, 'they take any base58check text', a => !/^(tz[1-4]|KT1)/.test(a));
differ('eos', false, 'names of fewer than 12 characters are names', a => /^[a-z1-5.]{1,11}$/.test(a) && !/^\.|\.$/.test(a));
differ('eos', true, 'EOS names have no 0, 6, 7, 8, 9 and no dot at either end', a => /[06789]/.test(a) || /^\.|\.$/.test(a));
differ('sol bonk', false, '32 bytes may be written in 32 to 44 characters', a => a.length < 43);
differ('sol bonk', true, 'they do not look whether the text is 32 bytes', a => a.length >= 43, 'z'.repeat(44));
differ('hbar', false, 'HIP-15 appends a checksum', a => /-[a-z]{5}$/.test(a));
differ('hbar', true, 'shard and realm are 0 on the main net, and numbers have no leading zeros', a => !/^0\.0\.[1-9]\d*$/.test(a));
differ('xrp', false, 'X-addresses came later', a => /^X/.test(a));
differ('xlm', false, 'muxed accounts came later', a => /^M/.test(a));
differ('ada', true, 'they take Byron addresses of test nets and of any content', a => /^37btjr/.test(a));
differ('xem', true, 'they take an address of any NEM network, and letters that are none of base32', a => !/^N/.test(a) || !/^[A-Z2-7-]+$/.test(a));
differ('neo', false, 'Neo N3 came later', a => /^N/.test(a));
differ('btc', true, 'a witness version that no rule looks at is anybody\'s', a => /^bc1[^q]/i.test(a));
differ('nano', true, 'the 260 bits of a key begin with four zeros, so an address with 1 or 3: they do not look', a => !/^(xrb|nano)_[13]/.test(a),
  'nano_9t6k35gi95xu6tergt6p69ck76ogmitsa8mnijtpxm9fkcm736xtoncuohr3');
differ('algo', true, 'they take letters that are none of base32, and spare bits that are not zero', a => !/^[A-Z2-7]{57}[AEIMQUY4]$/.test(a),
  'GD64YIY3TWGDMCNPP553DZPPR6LDUSFQOIJVFDPPXWEG3FVOJCCDBBHU5C');
differ('*', true, 'what is sent to address 0 is gone', a => /^0x0{40}$/.test(a));

let seed = 1n;
/** Each address has numbers of its own: a new vector changes no other one's. */
function reseed(text) { seed = BigInt('0x' + crypto.createHash('sha256').update(text).digest('hex').slice(0, 16)) | 1n; }
function random(n) { // xorshift64*: the same addresses in every run.
  seed ^= seed >> 12n; seed ^= BigInt.asUintN(64, seed << 25n); seed ^= seed >> 27n;
  return Number(BigInt.asUintN(64, seed * 2685821657736338717n) >> 33n) % n;
}
const randomBytes = n => Buffer.from(Array.from({ length: n }, () => random(256)));
const sha256 = data => crypto.createHash('sha256').update(data).digest();

function base58(data) {
  const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let number = BigInt('0x' + data.toString('hex')), text = '';
  for (; number > 0n; number /= 58n) text = digits[Number(number % 58n)] + text;
  for (const byte of data) { if (byte !== 0) break; text = '1' + text; }
  return text;
}

function checksum(coin, body) {
  const hex = body.toString('hex');
  if (coin.hashFunction === 'blake256') return Buffer.from(utils.blake256Checksum(hex), 'hex');
  if (coin.hashFunction === 'blake256keccak256') return Buffer.from(utils.keccak256Checksum(Buffer.from(utils.blake2b256(hex), 'hex')), 'hex');
  return sha256(sha256(body)).subarray(0, 4);
}

/** Addresses that their table of versions says are this coin's. */
function generated(coin) {
  const made = [];
  reseed(coin.name);
  const isBase58 = coin.validator === validator.findCurrency('btc').validator || coin.symbol === 'bch' || coin.symbol === 'bsv';
  if (!isBase58 || !coin.addressTypes) return made;
  for (const version of coin.addressTypes.prod) {
    if (!/^([0-9a-f]{2})+$/.test(version)) continue;
    for (let i = 0; i < 10; ++i) {
      const body = Buffer.concat([Buffer.from(version, 'hex'), randomBytes(20)]);
      made.push(base58(Buffer.concat([body, checksum(coin, body)])));
    }
  }
  for (const prefix of (coin.bech32Hrp || { prod: [] }).prod.filter(p => p === p.toLowerCase()))
    for (const size of [20, 32]) for (let i = 0; i < 5; ++i) made.push(segwit.encode(prefix, 0, [...randomBytes(size)]));
  return made;
}

function mutations(address) {
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const made = [];
  reseed(address);
  for (let at = 0; at < address.length; ++at) {
    const letter = letters[random(letters.length)];
    if (letter !== address[at]) made.push(address.slice(0, at) + letter + address.slice(at + 1));
  }
  return made;
}

const published = {};
for (const line of fs.readFileSync(vectors, 'utf8').split('\n')) {
  if (!line || line[0] === '#') continue;
  const [network, , , address] = line.split(' ');
  (published[network] = published[network] || []).push(address);
}

const listed = new Set(execFileSync(lines, ['--pairs'], { encoding: 'utf8' }).trim().split('\n').map(l => l.split('\t').slice(0, 2).join('/')));
const cases = [];
let coins = 0;
for (const coin of validator.getCurrencies()) {
  if (validator.findCurrency(coin.symbol) !== coin) continue; // Their second coin of a name cannot be asked for.
  const symbol = coin.symbol;
  const network = namesakes[symbol] || ownNetwork[symbol] || (listed.has(symbol + '/eth') ? 'eth' : null);
  if (!network || symbol === 'usdt' || symbol === 'usdc') continue;
  ++coins;
  const examples = differences.filter(d => d.example && d.coins.includes(symbol)).map(d => d.example);
  const whole = [...new Set([...examples, ...(published[network] || []), ...generated(coin)])];
  for (const address of whole)
    for (const text of [address, ...mutations(address)]) cases.push({ coin: symbol, network, text, options: undefined });
}
for (const [chainType, network] of [['ethereum', 'eth'], ['tron', 'trx'], ['solana', 'sol']])
  for (const symbol of ['usdt', 'usdc'])
    for (const address of published[network])
      for (const text of [address, ...mutations(address)]) cases.push({ coin: network === 'sol' ? 'sol' : symbol, network, text, symbol, options: { chainType } });

const input = cases.map(c => c.network + '\t' + c.text).join('\n') + '\n';
const ours = execFileSync(lines, [], { input, encoding: 'utf8', maxBuffer: 1 << 28 }).trim().split('\n');
if (ours.length !== cases.length) throw new Error(`${ours.length} answers to ${cases.length} questions`);

const unexplained = [];
let agreed = 0, good = 0;
cases.forEach((c, i) => {
  let theirs = false;
  try { theirs = !!validator.validate(c.text, c.symbol || c.coin, c.options); } catch (error) { theirs = false; }
  const we = ours[i] === 'none';
  if (we) ++good;
  if (we === theirs) { ++agreed; return; }
  const known = differences.find(d => (d.coins.includes(c.coin) || d.coins[0] === '*') && d.theirs === theirs && d.is(c.text));
  if (known) ++known.count; else unexplained.push(`${c.coin} on ${c.network}: ${c.text} (we: ${ours[i]}, they: ${theirs ? 'good' : 'bad'})`);
});

const explained = differences.reduce((sum, d) => sum + d.count, 0);
console.log(`${coins} coins and 6 tokens with a chain, ${cases.length} texts, ${good} of them good: ${agreed} judged alike, ${explained} by known differences, ${unexplained.length} not explained`);
for (const d of differences) console.log(`  ${d.coins.join(', ')}: ${d.count} ${d.theirs ? 'they' : 'we'} take, ${d.theirs ? 'we' : 'they'} do not: ${d.why}`);
unexplained.slice(0, 40).forEach(u => console.log('NOT EXPLAINED ' + u));
const idle = differences.filter(d => d.count === 0);
idle.forEach(d => console.log(`NEVER HAPPENED ${d.coins.join(', ')}: ${d.why}`));
process.exit(unexplained.length || idle.length || coins < 50 || good < 500 ? 1 : 0);
