"""Routes by rules, held to questions of our own; and what is left of a question without the words for all."""

from __future__ import annotations

import pytest

from app.routing import suggest, topic, whole_topic, with_topic

SEARCH = (
    "Who kept the inn called the Three Pans?",
    "When did the Weigh-House burn down?",
    "Where was the lost key found?",
    "Which of the brothers inherited the mill?",
    "Whose glove was dropped beside the pump?",
    "How many pieces of brass were in the box?",
    "How much did the apprentice pay for her tools?",
    "How old was the captain when he went to sea?",
    "How long did the siege last?",
    "What was the name of the ship?",
    "What colour was the carriage?",
    "What year was the treaty signed?",
    "What did Abel Corrish pay the pedlar for a pound weight?",
    "In what was the baby found?",
    "To whom did the widow leave her house?",
    "By what weight was the duty to be levied?",
    "At which hour does the clerk lock the doors?",
    "From where did the strangers come?",
    "What happened on the ninth of October?",
    "What did Justice Ambler rule in the end?",
    "Did the doctor sign the letter of 1840?",
    "Is Mrs. Corrie a widow?",
    "What does section 4.2 require of a supplier?",
    "Who changed the locks of the chest?",
    "When does the heroine change her name?",
    "What instrument did the old woman play?",
    "How far is it from the harbour to the lighthouse?",
    "And who is she?",
)
WALK = (
    "Why did the filled bags become heavier?",
    "Why does the narrator distrust her cousin?",
    "How come nobody noticed the theft?",
    "What led to the quarrel between the partners?",
    "What made the old clerk change his mind?",
    "What caused the flood?",
    "What drove her to leave the town at night?",
    "Explain why the judge postponed the hearing.",
    "For what reason was the bridge closed?",
    "What are the reasons for the delay of the project?",
)
MAYBE_WALK = (
    "Describe the house on the hill.",
    "What kind of person is the landlord?",
    "How does the narrator feel about her father?",
    "What does the broken bell symbolise?",
    "Compare the two inspectors.",
    "How did the villagers react to the verdict?",
    "What is her attitude towards money?",
    "What does his silence reveal about him?",
)
WHOLE = (
    "Summarise this book.",
    "Please summarize the report in a few sentences.",
    "Give me a summary of the whole document.",
    "Can you outline the story?",
    "What is the book about?",
    "What was this story all about?",
    "What are the main themes?",
    "What are the main events of the novel?",
    "Who are the main characters?",
    "What are the key findings of the report?",
    "How does the town's opinion of the clerk change in the course of the book?",
    "How does her position change from the beginning to the end?",
    "How does the friendship of the two women develop?",
    "How do prices evolve over the course of the decade?",
    "How is the judge changed by the events of the story?",
    "What is the moral of the story?",
    "Which images of water recur throughout the book?",
    "Overall, is the narrator to be trusted?",
    "List all the ships that are mentioned.",
    "Name every person who owned the stone.",
    "List the deaths in the order in which they happen.",
    "What are all the reasons that are given for the strike?",
    "Find every mention of the bell.",
    "Trace how the debt grows over the years.",
    "How is the painter changed by the events of the novel?",
    "In what ways does the harbour change over the years?",
    "How does the bond between the sisters develop up to the wedding?",
)
NOT_WHOLE = (
    "How fast did the tree grow?",
    "How much did the price of bread change?",
    "How many shifts did the miners work?",
    "How is the grown man killed?",
    "Where did he find the list of the passengers?",
    "Find the box in which all the keys were kept.",
    "What colour was the overall that Jack wore?",
    "What was in the summary of accounts?",
    "What was the main character's dog called?",
    "Where was the plot of the land?",
    "How did the clerk change the lock?",
    "How did the carriage change horses at the inn?",
    "What did Mr. Peake develop?",
    "How long did he run from the start to the finish?",
    "Who kept the watch throughout?",
    "What was written on the outline of the key?",
    "In what was the gist of the letter hidden?",
    "What did every witness wear?",
    "How was the list of the weights signed?",
    "What did the report on the shift of the sands cost?",
    "Which key points to the north?",
    "All of the clerks wore what on their sleeves?",
    "How did the smith shift the stone?",
    "What happened in the course of the work on the bridge?",
    "What was the message of the pedlar?",
    "When was the name of each ship painted over?",
    "How did the doctor progress through the tunnel?",
)
MAYBE_WHOLE = (
    "What part does the lighthouse play?",
    "What role did the sister play in the conspiracy?",
    "What part does the old well play, from the first dry summer to the end?",
    "Discuss the main themes.",
)
OPEN = (
    "What malady afflicted the presiding magistrate?",
    "What fatal injury did the examination show?",
    "How was the deceased carrying his footwear?",
    "What belonging did the craftsman offer as collateral?",
)


@pytest.mark.parametrize("question", SEARCH)
def test_questions_for_a_place_are_searched_without_asking(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("search", True)
    assert found.choice.reason


@pytest.mark.parametrize("question", WALK)
def test_questions_for_a_reason_are_walked(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("walk", True)


@pytest.mark.parametrize("question", MAYBE_WALK)
def test_questions_for_what_is_told_in_many_words_may_be_walked(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("walk", False)


@pytest.mark.parametrize("question", WHOLE)
def test_questions_about_the_whole(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("whole", True)


@pytest.mark.parametrize("question", NOT_WHOLE)
def test_words_for_a_whole_do_not_make_a_question_about_it(question: str) -> None:
    assert suggest(question).choice.route != "whole"


@pytest.mark.parametrize("question", MAYBE_WHOLE)
def test_questions_perhaps_about_the_whole(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("whole", False)


@pytest.mark.parametrize("question", OPEN)
def test_what_the_wording_leaves_open_is_searched_unless_the_reader_says_otherwise(question: str) -> None:
    found = suggest(question)
    assert (found.choice.route, found.certain) == ("search", False)


@pytest.mark.parametrize("question", ["", "???", "\x00", "光の石は何ですか", "Dorcas " * 500, "a\nb\tc"])
def test_odd_questions_are_searched(question: str) -> None:
    assert suggest(question).choice.route == "search"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Summarise this book.", []),
        ("What are the main themes?", []),
        ("What is the story about?", []),
        (
            "How does the town's opinion of Abel Corrish change in the course of the book?",
            ["town's", "Abel", "Corrish"],
        ),
        ("List all the ships.", ["ships"]),
        ("Where was the list of the weights kept?", ["Where", "was", "list", "weights", "kept"]),
        ("What did Mr. Peake develop?", ["did", "Mr", "Peake", "develop"]),
        ("Summarise the opening of the trial.", ["opening", "trial"]),
    ],
)
def test_the_topic_of_a_question_about_the_whole(question: str, words: list[str]) -> None:
    plain = {"what", "are", "the", "is", "this", "how", "does", "of", "in"}
    left = [
        word for word in topic(question).replace("…", " ").strip(" .?").split() if word.lower() not in plain
    ]
    assert [word.strip("?.") for word in left] == words


def test_words_of_a_topic_stay_where_they_are() -> None:
    """The first word of a question is not taken for a name; one that comes later may be."""
    assert topic("Summarise Gandalf.").split() == ["…", "Gandalf."]


def test_what_was_asked_before_leaves_no_wording_of_its_route() -> None:
    assert with_topic("Where is it?", "Where is it?") == "Where is it?"
    assert with_topic("Summarise the book. Where is it?", "Where is it?") == "Where is it?"
    before = "How does Abel Corrish change?"
    assert with_topic(f"{before} Where is he?", "Where is he?") == "How does Abel Corrish …? Where is he?"
    assert with_topic("Who is Ann? Where is she?", "Where is she?") == "Who is Ann? Where is she?"
    assert with_topic("Where is the watch?", "Where is it?") == "Where is the watch?"


def test_the_topic_of_a_question_with_what_was_said_before() -> None:
    assert (
        whole_topic("Who is Ann? How does she change?", "How does she change?")
        == "Who is Ann? How does she …?"
    )
    assert whole_topic("How does Ann change?", "How does she change?") == "How does Ann …?"
    assert whole_topic("List the keys. Where is it?", "Where is it?") == "List the keys. Where is it?"
