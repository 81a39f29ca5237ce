import { sha256 } from './digest.ts';
import { pae } from './pae.ts';

/**
 * Four words for a public key, with spaces between, by which two people see that they look at the
 * same one. They stand for 32 bits: enough to notice a mistake, not to prove anything.
 */
export function fourWords(publicKey: Uint8Array): string {
  const digest = sha256(pae('serverflow.words.v1', publicKey));
  return Array.from(digest.subarray(0, 4), (byte) => words[byte]).join(' ');
}

/** 256 short English words of which no two sound alike; their order is part of the format. */
export const words: readonly string[] = `
acorn actor album alley amber anchor angel ankle apple apron arena arrow artist atlas attic autumn
bacon badge baker bamboo banana banjo barrel basket beach beard beaver bell berry bicycle bishop blanket
bonus bottle bracket branch bread bridge bronze broom bubble bucket buffalo butter cabin cactus camel camera
canal candle canoe carbon carpet castle cedar chalk cherry chess circle citrus clock cloud clover cobra
coconut coffee comet compass copper coral cotton cousin cradle crayon cricket crown crystal cube curtain daisy
dancer desert diamond dinner dolphin donkey dragon drum eagle easel echo eclipse elbow elephant emerald engine
envelope fabric falcon farmer feather fence ferry fiddle finger flag flame flute forest fossil fountain fox
galaxy garden garlic gazelle giant ginger giraffe glacier globe goblin gold gorilla grape guitar hammer harbor
harvest hazel hedge helmet hero hotel humor igloo index insect iris iron island ivory jacket jaguar
jelly jewel jigsaw jungle kayak kettle kidney kitten koala ladder lagoon lantern lemon leopard library lion
lizard lobster lotus magnet mango maple marble meadow melon mirror monkey moss mountain museum mustard napkin
nectar needle nickel noodle north nurse oasis ocean olive onion opera orange orbit orchid otter oven
oyster paddle palace panda paper parrot peach pebble pelican pencil pepper piano pigeon pilot planet plum
pocket poem pony potato prism pumpkin puzzle pyramid quartz queen quilt rabbit radar radio rainbow raven
ribbon river robot rocket ruby saddle salad salmon sandal satin scarf sheriff silver sketch spider sponge
squirrel statue sugar sunset swan tiger tomato tulip tunnel turtle umbrella velvet violin walrus window zebra
`
  .trim()
  .split(/\s+/);
