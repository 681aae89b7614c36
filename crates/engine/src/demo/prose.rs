//! What the built-in model has to say.

use super::{answer::Tokens, asked::mix, tokens};

pub(super) const GREETINGS: [&str; 3] = [
    "Hello! I am the demo model that lives inside Narthex. What shall we stream?",
    "Good day! You have reached the demo model of Narthex, and every word of this came to you as an event of its own.",
    "Hello there! I am a small model with a short memory, but my words arrive in order.",
];

pub(super) const REFUSAL: &str = "I would rather not, since you asked me not to.";

pub(super) const STORY: &str = "Under a sky full of slow stars, a small unicorn carried a lantern from door to door, and \
    wherever a flame had gone out in the night she lit it again from her own, so that by morning nobody could say which \
    house had been the first to shine.";

pub(super) const HAIKUS: [&str; 3] = [
    "A door stands open.\nOne word, and then another,\ncomes in from the rain.",
    "Fire in a reed stalk:\nso small a thing to carry\nthat it lights the world.",
    "The line falls silent.\nSomeone else takes up the thread.\nYou did not notice.",
];

pub(super) const POEMS: [&str; 3] = [
    "He hid the ember in a hollow reed\nand walked from heaven down the mountain's side.\nNo wind could reach it, and \
     it gave no heed\nto what was lost above. It did not hide:\n\nit went ahead of him from hall to hall\nand set a \
     little of itself in each,\nuntil there was no dark house left at all,\nand still it burned, within a person's reach.",
    "The river does not ask who drank before,\nnor where the stone was that it went around.\nIt brings its water to the \
     open door\nin order, whole, and with a quiet sound.",
    "One word sets out, and then the next, the next,\nlike lamps along a road that someone lit.\nThe road may break. \
     The traveller, perplexed,\nlooks back, and sees the light, and follows it.",
];

pub(super) const THOUGHTS: [&str; 6] = [
    "Let me see what is being asked here.",
    "I could say a great deal, but I know very little.",
    "A short and honest answer will serve best.",
    "First I should look at the whole conversation, from its beginning.",
    "It does not matter how long I think, as long as I end.",
    "Whoever reads this is watching tokens arrive, so they should be worth reading.",
];

pub(super) const THOUGHT_SUMMARY: &str = "**Choosing what to say**\n\nA short and honest answer seemed best.";

const ABOUT: [&str; 6] = [
    "A narthex is the entrance hall of a great building, and the fennel stalk in which Prometheus carried fire down to \
     people. This Narthex carries tokens: what a model says on one machine reaches you, word by word, on another.",
    "Between you and a model stand two kinds of process. A gateway holds your connection and speaks an open standard. A \
     worker calls the model server and writes every word into a log. Neither keeps anything whose loss would cost you a word.",
    "Every event that you receive has a number. If your connection breaks, come back with the last number that you saw, at \
     any gateway, and the stream goes on from there. Nothing is lost, and nothing comes twice.",
    "If a worker dies in the middle of a sentence, another one takes it over and carries on from the last word. And if you \
     cancel, the model server stops within a second, because its time is somebody's money.",
    "Many streams fit on one socket. Give each a name, and they run side by side: a slow one never holds up its neighbour, \
     and a slow reader costs nobody else a thing.",
    "I am the demo model. I have read nothing and I know little, but I can count, recite, echo, call your tools, and fail \
     when I am told to. Put a real model behind Narthex, and your code stays as it is.",
];

const SENTENCES: [&str; 20] = [
    "The first light came over the roofs and stood for a while at the door.",
    "Somebody had left a lamp burning in the hall, and nobody wanted to put it out.",
    "A letter takes as long as the road is, but a word takes only as long as it is said.",
    "There were three bells in the tower, and the smallest one was always early.",
    "She counted the steps on her way down, and again on her way up, and they were the same.",
    "What is written in the book stays in the book, whoever holds the pen.",
    "The ferryman never asked what was in the boxes, only how many there were.",
    "When the wind turned, the fire leaned over and went on burning.",
    "You could hear the river from every room, and after a week you heard it in none.",
    "He told the story slowly, one piece at a time, and waited until each had arrived.",
    "No two of the windows were alike, and all of them looked out on the sea.",
    "If the bridge is closed, there is another bridge, and the road behind it is the same road.",
    "The children made a chain from the well to the garden and passed the water along.",
    "At noon the market fell silent, as if someone had lifted a finger.",
    "An old clock does not go faster because you look at it.",
    "They built the entrance hall first, so that there would be a place to wait for the rest.",
    "The messenger was changed at every inn, but the message was not.",
    "In the evening the guests came in from the garden and brought the smell of rain with them.",
    "A good map leaves out nearly everything, and what it leaves in is in its place.",
    "Then the door opened, and the light went in ahead of us.",
];

/// So many sentences make a paragraph.
const SENTENCES_PER_PARAGRAPH: usize = 5;

/// Three paragraphs on what Narthex is; the last says who is speaking.
pub(super) fn about(dice: u64) -> String {
    let others = ABOUT.len() - 1;
    let first = (dice % others as u64) as usize;
    let second = (first + 1 + (mix(dice) % (others as u64 - 1)) as usize) % others;
    [ABOUT[first.min(second)], ABOUT[first.max(second)], ABOUT[others]].join("\n\n")
}

/// Prose without an end, in tokens.
pub(super) fn endless(dice: u64) -> impl Iterator<Item = String> + Send {
    endless_words(dice).flat_map(|word| tokens::split(&word).map(str::to_owned).collect::<Vec<_>>())
}

/// Exactly `count` words of prose, which end as a sentence does.
pub(super) fn words(dice: u64, count: u64) -> Tokens {
    let words = endless_words(dice).zip(1..=count).map(move |(word, number)| {
        if number == count { format!("{}.", word.trim_end_matches(['.', ','])) } else { word }
    });
    Box::new(words.flat_map(|word| tokens::split(&word).map(str::to_owned).collect::<Vec<_>>()))
}

/// Each word comes with what stands before it: nothing, a space or the space between paragraphs.
fn endless_words(dice: u64) -> impl Iterator<Item = String> + Send {
    (0_usize..).flat_map(move |number| {
        let round = (number / SENTENCES.len()) as u64;
        // A stride without a common divisor visits every sentence once in each round.
        let stride = [1, 3, 7, 9, 11, 13, 17, 19][(mix(dice ^ round) % 8) as usize];
        let start = mix(dice.rotate_left(17) ^ round) as usize % SENTENCES.len();
        let sentence = SENTENCES[(start + number % SENTENCES.len() * stride) % SENTENCES.len()];
        let before = match number {
            0 => "",
            _ if number.is_multiple_of(SENTENCES_PER_PARAGRAPH) => "\n\n",
            _ => " ",
        };
        sentence
            .split(' ')
            .enumerate()
            .map(move |(at, word)| if at == 0 { format!("{before}{word}") } else { format!(" {word}") })
    })
}
