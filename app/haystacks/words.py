"""The words and sentences that haystacks are made of, written for this project; no digit stands in them."""

from __future__ import annotations

from typing import Final

__all__ = ["CHAPTER_TITLES", "OPENINGS", "SLOTS", "TAILS", "TOPICS", "TOWNS", "listed"]


def listed(words: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(" ".join(word.split()) for word in words.split(","))


_TOWN_STARTS: Final = listed(
    """
    Alder, Bram, Corrin, Dunsel, Ember, Fallow, Gorse, Hazel, Isen, Juniper, Kestrel, Lark, Marrow, Nettle,
    Otter, Pebble, Raven, Sedge, Tansy, Umber, Vetch, Willow, Yarn, Bleak, Copper
    """
)
_TOWN_ENDS: Final = listed("mouth, wick, ford, stead, combe, haven, bridge, moor, ley, thorpe, gate, well")

TOWNS: Final = tuple(start + end for start in _TOWN_STARTS for end in _TOWN_ENDS)

SLOTS: Final = {
    "adjective": listed(
        """
        old, narrow, crooked, quiet, heavy, patched, borrowed, handsome, dusty, low, draughty, bright,
        plain, half-forgotten, well-swept, salt-stained, leaning, cheerful, stubborn, faded, solid,
        ill-made, much-mended, painted, cold, roomy, shabby, honest, peculiar, gloomy
        """
    ),
    "beast": listed(
        """
        mare, goat, terrier, heron, mule, tomcat, goose, hedgehog, jackdaw, ferret, old bull, spaniel,
        badger, barn owl, pony, magpie, cockerel, otter, ram, hare
        """
    ),
    "building": listed(
        """
        mill, customs house, schoolroom, granary, bakery, ferry office, brewhouse, chapel, smithy, ropewalk,
        almshouse, library, inn, tannery, boathouse, courthouse, dairy, print shop, infirmary, stable
        """
    ),
    "colour": listed(
        """
        grey, russet, dark green, yellow, pale blue, brown, scarlet, white, violet, black, amber, pink
        """
    ),
    "day": listed(
        """
        Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, market day, the eve of the fair, the
        feast of lanterns, the last day of harvest, the first day of term, rent day, washing day
        """
    ),
    "feeling": listed(
        """
        relief, impatience, envy, a kind of shame, delight, weariness, suspicion, tenderness, alarm, pride,
        boredom, wonder, remorse, a stubborn hope, indifference, curiosity
        """
    ),
    "food": listed(
        """
        barley soup, smoked eel, plum cake, onion pie, black bread, boiled mutton, pickled herring, honey
        buns, stewed pears, hard cheese, turnip broth, roast duck, oat porridge, apple fritters, cold ham
        """
    ),
    "hour": listed(
        """
        noon, dusk, daybreak, midnight, the change of tide, supper time, the last bell, candle time, milking
        time, the third crow of the cock, sunset, the middle of the morning
        """
    ),
    "number": listed(
        """
        two, three, four, five, six, seven, nine, a dozen, twenty, some forty, half a hundred
        """
    ),
    "part": listed(
        """
        roof, door, wheel, axle, keel, hinge, chimney, floor, oar, strap, handle, window, lid, mast
        """
    ),
    "relation": listed(
        """
        brother, aunt, cousin, grandmother, uncle, godfather, sister, neighbour, old teacher, landlady,
        stepmother, former partner
        """
    ),
    "road": listed(
        """
        causeway, towpath, turnpike, sheep track, high street, coast road, bridle path, drovers' road,
        cinder path, lane behind the church, river stair, forest ride
        """
    ),
    "room": listed(
        """
        kitchen, attic, parlour, cellar, counting room, back bedroom, scullery, workshop, hayloft, porch
        """
    ),
    "season": listed(
        """
        spring, summer, autumn, winter, wet year, hard frost, drought, long thaw, lambing season
        """
    ),
    "sound": listed(
        """
        a creak, a low whistle, the clatter of hooves, a fiddle out of tune, rain on slate, a cough, the
        bell of the ferry, a door slamming, laughter, hammering, a dog barking, the hiss of a kettle
        """
    ),
    "thing": listed(
        """
        lantern, ledger, umbrella, copper kettle, fiddle, saddle, spinning wheel, telescope, barometer,
        sewing box, walking stick, mirror, hourglass, wicker chair, coat, oilskin, cradle, accordion,
        plough, iron chest, cabinet, brass bell, weaving frame, quilt, wheelbarrow, clock, birdcage, fishing
        net, pewter jug, ladder, mattress, chess set, chair, garden bench, trunk, carpet, violin, writing
        desk
        """
    ),
    "town": TOWNS,
    "trade": listed(
        """
        cooper, chandler, schoolmaster, midwife, ferryman, bookbinder, thatcher, apothecary, shepherd,
        glazier, carter, saddler, clerk, weaver, locksmith, miller, surveyor, piper, tinker, beekeeper
        """
    ),
    "tree": listed(
        """
        oak, hawthorn, elder, walnut, alder, pear tree, yew, willow, rowan, chestnut, holly, larch
        """
    ),
    "virtue": listed(
        """
        patience, thrift, silence, courage, good manners, plain dealing, exactness, charity, cunning
        """
    ),
    "weather": listed(
        """
        fog, sleet, drizzle, a dry east wind, thunder, hail, sunshine, frost, a warm haze, snow, a steady
        downpour, gusts from the west, mist off the river, a sky without a cloud
        """
    ),
    "first": listed(
        """
        Ansel, Berit, Cosima, Davin, Elke, Fenna, Garrick, Hesper, Idony, Jorun, Kester, Lavinia, Merrick,
        Nuala, Osric, Petra, Quill, Rowan, Sabine, Tobias, Una, Verity, Willem, Xanthe, Yorick, Zillah,
        Abel, Bettany, Corwin, Delphine, Edric, Flora, Gideon, Hanne, Ivo, Jessamy, Konrad, Linnet, Magnus,
        Nerissa, Orla, Piers, Rosalind, Sylvan, Tamsin, Ulric, Viola, Wystan
        """
    ),
    "last": listed(
        """
        Ashlock, Barrowby, Candlish, Dunmere, Eastaugh, Farrow, Gantry, Harkaway, Inglebert, Jessop,
        Kettlewell, Lorrimer, Maddock, Nethersole, Oakhanger, Pellow, Quarrier, Rudd, Skerritt, Tolliver,
        Umfrey, Vantage, Wetherby, Yarrow, Applegarth, Brightling, Cullimore, Dallow, Ellicott, Fothergale,
        Greenaway, Hobday, Isherly, Kindred, Loveday, Marchbank, Nightingall, Ormerod, Penhallow,
        Ravensworth, Sallow, Thistlewood, Underhay, Varley, Winterbourne
        """
    ),
}
"""What slots are filled with; {hero}, {friend} and {place} stay the same in a chapter."""

TOPICS: Final = (
    (  # the weather
        "The morning began with {weather}, and nobody in {place} was surprised by it",
        "{hero} looked at the {tree} beside the {building} and foretold {weather} before {hour}",
        "There had been {weather} every {season} since the {building} was built",
        "By {hour} the {road} was {adjective} with {weather}, and the {beast} refused to move",
        "{friend} held that {weather} was good for the {trade} and bad for everyone else",
        "The {part} of the {building} had been mended twice and still let in the {season}",
        "After {weather} came {weather}, and after that nothing worth writing down",
        "A {colour} light lay over {place}, the sort that makes a {trade} think of home",
    ),
    (  # a journey
        "They took the {road} to {town}, which is longer than the {road} but kinder to a {beast}",
        "{hero} carried the {thing} and {friend} carried everything else",
        "At the {building} in {town} a {trade} asked them {number} questions and believed no answer",
        "The {beast} lost a shoe near {town}, and they walked from there",
        "It was {hour} before they saw the {adjective} {building} at the end of the {road}",
        "{friend} had been promised a bed in {town} and was given a {adjective} {thing} to sit on",
        "On the way they met {first} {last}, who was bringing {number} sacks of meal to {town}",
        "Beyond {town} the {road} forks, and {hero} chose the side with the {tree}",
        "A {trade} from {town} overtook them, whistling, with a {thing} on his back",
    ),
    (  # the market
        "At the market in {place} a {adjective} {thing} cost as much as {number} hens",
        "{first} {last}, the {trade}, sold {food} from the steps of the {building}",
        "{hero} bought a {colour} {thing} and was sorry for it before {hour}",
        "Nobody bargained longer than {friend}, who wanted the {thing} for the price of a {thing}",
        "There was {sound} from the {building}, and the whole row of stalls turned to listen",
        "A {beast} got loose among the baskets, and {number} people gave contrary orders",
        "The {trade} weighed the {food} with his thumb on the scale, as his father had done",
        "By {hour} there was nothing left but {food} and a {adjective} {thing}",
    ),
    (  # work
        "{hero} spent the day on the {part} of the {building} and had little to show for it",
        "A {trade} learns {virtue} first and the use of the {thing} afterwards",
        "The {part} came from {town} and did not fit until {friend} had planed it",
        "They were paid in {food} and in advice, of which the {food} was better",
        "{number} hands were hired at {hour}, and half of them had gone by {hour}",
        "{friend} measured the {room} with a string and wrote the figures on the {part}",
        "The old {trade} would not lend the {thing}, not even to {first} {last}",
        "When the {thing} broke, {hero} made another from {tree} wood and a bit of wire",
        "No one had told the apprentice why the {building} needed a {colour} {part}",
    ),
    (  # a meal
        "There was {food} on the table, and after it {food}, and after that an argument",
        "{friend} ate with {feeling} and {hero} with good appetite",
        "The {relation} of {first} {last} cooked {food} in the {adjective} {room}",
        "They talked about {town}, about the {trade} there, and about the price of a {thing}",
        "Someone had put the {thing} among the plates, where it stayed until {hour}",
        "A {beast} sat under the table and was given more {food} than the guests",
        "{hero} asked for {food} and was told that there had been none since {day}",
        "It was {sound} in the {room} that ended the meal",
    ),
    (  # a letter
        "A letter came from {town}, written by {first} {last} in {colour} ink",
        "It said little about the {building} and a great deal about a {relation}",
        "{hero} read it aloud in the {room}, leaving out what concerned {friend}",
        "The second page was about {weather}, {food} and the virtue of {virtue}",
        "{friend} answered it on {day} and did not mention the {thing}",
        "For {number} weeks nothing more was heard from {town}",
        "The seal was {colour}, and a {beast} was stamped on it, or perhaps a {thing}",
        "Whoever carried it had left it at the {building}, between a {thing} and some {food}",
    ),
    (  # a quarrel
        "{friend} and the {trade} had not spoken since the affair of the {adjective} {thing}",
        "It began with {feeling} and ended, as such things do in {place}, with a bill",
        "{hero} was for {virtue}; the others were for calling {first} {last} from {town}",
        "Each of them remembered {day} differently, and the {relation} remembered nothing",
        "A {thing} was thrown, it is said, and it hit the {part} of the {building}",
        "On {day} they were seen on the same side of the {road}, which was taken for peace",
        "The {trade} wanted {number} baskets of {food} and an apology, and got the {food}",
        "There is no {feeling} like that of a {trade} who has been right too early",
    ),
    (  # the house
        "The house stood by the {road}, with a {tree} in front and a {adjective} {building} behind",
        "In the {room} there hung a {colour} {thing} that had come from {town}",
        "One went through the {room} to reach the {room}, and through a hedge to reach the {building}",
        "The {part} had been painted {colour} for the wedding of {first} {last}",
        "At {hour} there was always {sound}, and the {beast} always answered it",
        "{hero} slept in the {room} under a {adjective} quilt and heard {weather} on the roof",
        "The {relation} of {friend} had left the {thing} there, with {feeling}, {number} years before",
        "It was a {adjective} place, good for {virtue} and bad for the chest",
        "Nobody had opened the {part} since {day}, when {first} {last} went away to {town}",
    ),
    (  # memory
        "{hero} remembered a {season} in {town} when even the {beast} had gone hungry",
        "In those days the {building} belonged to {first} {last}, a {trade} with {number} daughters",
        "People said that {virtue} had died out in {place} with the last {trade}",
        "What {friend} recalled was {food}, {sound}, and somebody's {colour} {thing}",
        "The {tree} by the {building} was planted that {season}, or the one after",
        "Of the {number} who set out, {first} {last} came back, and would not say from where",
        "There had been {feeling} in every {room} of the town, and then it was {day} again",
        "It is hard to be exact about it, for the {trade} who kept the records loved {food} more",
    ),
    (  # the night
        "At {hour} {hero} heard {sound} from the {room} and lit the {thing}",
        "It was only the {beast}, or the wind in the {tree}",
        "{friend} slept through it, as {friend} had slept through the fire in {town}",
        "Down at the {building} there was a light, {colour} and small, that moved along the {road}",
        "The {trade} swore afterwards that the {part} had been shut since {hour}",
        "They went back to bed with {feeling} and found the {thing} gone in the morning",
        "Nothing is so long as a night of {weather} in a {adjective} {room}",
        "Before {hour} {first} {last} had told the story to {number} people in {town}",
    ),
)
"""Sentences by what a paragraph is about."""

OPENINGS: Final = (
    "On {day} it was the same, for",
    "That {season} it was said that",
    "As the {relation} of {last} put it,",
    "Long before {hour} it was known that",
    "In {town} they tell it thus:",
    "What is certain is this:",
    "If the {trade} is to be believed,",
    "So it happened that",
    "According to {first} {last},",
    "The {relation} liked to recall how",
    "Not far from the {building} in {town} it was told that",
)
"""What a sentence may begin with; it goes on in small letters if its first word is no name."""

TAILS: Final = (
    ", or so the {trade} said",
    ", as everyone in {town} could have told them",
    ", to the {feeling} of {last}",
    ", and that was the end of it",
    ", though the {relation} disagreed",
    ", which pleased the {beast}",
    ", with {sound} behind it all",
    ", as in the {season} before",
    ", for the sake of {virtue}",
    ", in spite of {weather}",
    ", not counting the {thing}",
    ", and {first} laughed about it until {hour}",
    ", at least on {day}",
    ", between the {tree} and the {building}",
    ", and nobody mentioned the {food}",
)
"""What a sentence may end with."""

CHAPTER_TITLES: Final = (
    "The {adjective} {building}",
    "A {thing} from {town}",
    "{first} {last}",
    "What the {trade} said",
    "The {road}",
    "{feeling} and {virtue}",
    "The {beast} of {town}",
    "A {season} in {town}",
)
