"""What the months are like: a few lines for each page of the almanac."""

YEAR = 2027

MONTHS = (
    "The year begins in the dark, and that is a help: nobody expects much of a seed in "
    "January. Keep one evening free for a list of what you have carried over and no "
    "longer want to carry. Cross out three things. Frost makes the sky clear; go out "
    "once after supper and find Orion above the roofs.",
    "Short, wet and generous with light: each day is two or three minutes longer than "
    "the one before. On the 6th the Moon covers the middle of the Sun over Chile, "
    "Argentina and the Atlantic. Mend things this month, shoes and sentences both. "
    "Almond trees flower in the Douro while it rains.",
    "On the 20th day and night weigh the same. It is a good week for looking at your "
    "own scales: what do you give, what comes back? Move one hour from the second to "
    "the first, or the other way round. Sow peas, air the blankets, answer the letter.",
    "April does not keep appointments. Plan half of what you would plan in June, and "
    "take the coat. What you began in winter shows its first leaves now, and also "
    "where it stands too close. Thinning out is part of growing.",
    "Everything wants to be outside, you as well. Take the one conversation that has "
    "been sitting indoors for weeks for a walk. At the full moon the evenings smell of "
    "elder; there is no hurry to go home.",
    "The Sun stands still on the 21st and turns. The longest day is a fair place to "
    "look both ways: half the year is lived, half is open. Write down five things from "
    "the first half that you would like again. Then switch off the lamp early.",
    "Heat slows the hands, and that is what it is for. Do the heavy things before ten. "
    "Leave one day in this month with nothing written on it, and defend it. The Milky "
    "Way is best around the new moon, away from the coast road.",
    "On the 2nd, before noon, the Moon covers the whole Sun from the Strait of "
    "Gibraltar to Luxor; from Porto it takes a deep bite. Never look without a proper "
    "filter. Ten nights later the Perseids fall: the small hours are best, once the "
    "Moon is down.",
    "The year turns its second page on the 23rd, level again, but with full baskets. "
    "Count what has ripened before you ask for more. Then choose what you will keep "
    "over winter and what you will share while it is sweet.",
    "The clocks go back on the last Sunday and give you an hour. Do not spend it on "
    "the screen. Rake, sort, label. What can be put in a jar or in a drawer now will "
    "not call you in the night in February.",
    "Fog teaches patience: you see three steps, and three steps are enough. Visit "
    "somebody who does not expect it. The nights around the full moon are bright "
    "enough to walk by, once the leaves are down.",
    "On the 22nd the light begins to come back, too little to notice before Epiphany. "
    "Until then there are candles and the people around the table. Leaf through this "
    "book from the front. What returned, month after month, is yours.",
)
