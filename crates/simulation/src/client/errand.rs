//! What a client wants, and what befalls it meanwhile.

use std::time::Duration;

use stream::ResponseId;

use crate::{
    dice::Dice,
    prompt::{Kind, Prompt},
};

/// The models that are served: one that can carry on a prefix, and one that cannot.
pub(crate) const MODELS: [(&str, bool); 2] = [("carries-on", true), ("begins-anew", false)];

/// A wish for one response.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    /// The client's name.
    pub(crate) name: String,
    prompt: Prompt,
    pub(crate) model: String,
    pub(crate) way: Way,
    pub(crate) key: Option<String>,
    pub(crate) store: bool,
    /// The response, for a client that follows another one's.
    pub(crate) id: Option<ResponseId>,
    /// What happens after how many events, the last first.
    accidents: Vec<(usize, Accident)>,
    /// It went away for good.
    pub(crate) has_left: bool,
    /// It cancelled the response.
    pub(crate) has_cancelled: bool,
}

/// How a response is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As Server-Sent Events.
    Events,
    /// On a WebSocket.
    Socket,
    /// Whole, in one answer.
    Whole,
    /// In the background, to be followed later.
    Background,
    /// Not at all: somebody else did, and this one only listens.
    Watch,
}

/// What can befall a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accident {
    /// Its connection is cut, and both sides know.
    Cut,
    /// Its connection is cut, and the gateway does not know.
    Vanish,
    /// It does not read for a while.
    Stall(Duration),
    /// It cancels the response, and reads on.
    Cancel,
    /// It goes away for good.
    Leave,
}

impl Accident {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cut => "connections cut",
            Self::Vanish => "connections vanished",
            Self::Stall(_) => "clients stalled",
            Self::Cancel => "cancels",
            Self::Leave => "clients left",
        }
    }
}

impl Errand {
    /// The errand of client `number`.
    pub(crate) fn draw(dice: &mut Dice, number: u64) -> Self {
        let kind = *dice.pick(&[Kind::Text, Kind::Text, Kind::Text, Kind::Reasoned, Kind::Json, Kind::Call]);
        let prompt = Prompt { kind, pieces: dice.number(1..=30), number: number * 1000 };
        let way =
            *dice.pick(&[Way::Events, Way::Events, Way::Socket, Way::Socket, Way::Whole, Way::Background]);
        let key = dice.chance(0.6).then(|| format!("key {number}"));
        // Only what is stored can run in the background.
        let store = way == Way::Background || dice.chance(0.7);
        let model = dice.pick(&MODELS).0.to_owned();
        let accidents =
            if way == Way::Whole { Vec::new() } else { Self::draw_accidents(dice, prompt.pieces) };
        let name = format!("c{number}");
        Self {
            name,
            prompt,
            model,
            way,
            key,
            store,
            id: None,
            accidents,
            has_left: false,
            has_cancelled: false,
        }
    }

    /// The errand of client `number`, on a WebSocket.
    pub(crate) fn draw_for_socket(dice: &mut Dice, number: u64) -> Self {
        loop {
            let errand = Self::draw(dice, number);
            if errand.way == Way::Socket {
                return errand;
            }
        }
    }

    /// The errand of one that follows the response of another.
    pub(crate) fn watch(&self, dice: &mut Dice, name: String, id: ResponseId) -> Self {
        let mut accidents = Self::draw_accidents(dice, self.prompt.pieces);
        accidents.retain(|(_, accident)| *accident != Accident::Cancel);
        Self { name, way: Way::Watch, key: None, id: Some(id), accidents, ..self.clone() }
    }

    fn draw_accidents(dice: &mut Dice, pieces: u64) -> Vec<(usize, Accident)> {
        let mut accidents = Vec::new();
        while accidents.len() < 4 && dice.chance(0.45) {
            let stall = Accident::Stall(dice.skewed_millis(100..=15_000));
            let accident = *dice.pick(&[
                Accident::Cut,
                Accident::Cut,
                Accident::Vanish,
                stall,
                stall,
                Accident::Cancel,
                Accident::Leave,
            ]);
            accidents.push((dice.number(1..=pieces + 6) as usize, accident));
        }
        accidents.sort_by_key(|(after, _)| std::cmp::Reverse(*after));
        accidents
    }

    /// What happens after so many events, once.
    pub(crate) fn next_accident(&mut self, heard: usize) -> Option<Accident> {
        self.accidents.pop_if(|(after, _)| *after <= heard).map(|(_, accident)| accident)
    }

    /// What is asked for the `asked`th time without a key. Under a key it is always the same.
    pub(crate) fn prompt(&self, asked: u64) -> Prompt {
        Prompt { number: self.prompt.number + asked, ..self.prompt.clone() }
    }

    /// Whether `prompt` is one that was asked for here.
    pub(crate) const fn is_of(&self, prompt: &Prompt) -> bool {
        prompt.number / 1000 == self.prompt.number / 1000
    }

    pub(crate) fn is_background(&self) -> bool {
        self.way == Way::Background
    }
}
