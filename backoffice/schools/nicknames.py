"""Short and pet forms of given names, kept here: each line holds forms that one child may be called by.

Common ones of the languages that our schools write most. They only ever lead to a question, so a form that
is missing or a line that is too wide costs a look and never a child.
"""

FORMS = """
abigail abby abbie gail
adelaide addie
alexander alex alec sasha xander zander sandy
alexandra alex lexi lexie sandra sasha sandy
alfred alf alfie fred freddie
alice allie
alison allie ali
amanda mandy
andrea andi
andrew andy drew
angela angie
anna ann anne annie anya nan
anthony antony tony
antonio toni tono
archibald archie
arthur art artie
barbara barb barbie
bartholomew bart
beatrice bea trixie
benjamin ben benny benji
bernard bernie
bradley brad
cameron cam
caroline carrie caro
catherine katherine kathryn kate katie kathy cathy kat kitty katy
charles charlie chuck carl carlos
charlotte charlie lottie lotte
christina christine chris chrissy tina kirsten
christopher chris kit topher
cynthia cindy
daniel dan danny
danielle dani
david dave davey
deborah debbie deb
dominic dom nick
donald don donnie
dorothy dot dottie dolly
edward ed eddie ted teddy ned
eleanor ellie nell nora lena
elizabeth elisabeth liz lizzie beth betty betsy eliza elsie libby lisa lisbeth
emily em emmy
emma em emmy
ernest ernie
esther essie
eugene gene
evelyn evie eve
ezekiel zeke
florence flo flora
frances fran franny frankie
francisco paco pancho fran
francis frank frankie
frederick frederic fred freddie rick fritz
gabriel gabe
gabriella gabriela gabby gabi
geoffrey jeffrey geoff jeff
george georgie jorge
georgina georgie gina
gerald gerry jerry
gerard gerry
gregory greg
guadalupe lupe lupita
guillermo memo
gwendolyn gwen
hannah hanna
harold harry hal
harriet hattie
helen nell nellie lena
henry harry hank hal
ignacio nacho
isaac ike zac
isabella isabel isabelle bella izzy belle isa
jacob jake jakob jaco
jacqueline jackie jacqui
james jim jimmy jamie jem
jane janie jenny
janet jan
jason jay
jennifer jen jenny jenna
jeremy jem jerry
jessica jess jessie
jesus chucho chuy
joan joanie
joanna joanne jo
john jack johnny jon ian jan juan hans
jonathan jon jonny nathan
jose pepe joseph
joseph joe joey jo jose
josephine jo josie fifi
joshua josh
judith judy
julian jules
juliana julia julie jules
katarina kat katja katya
kenneth ken kenny
kimberly kim kimmy
lawrence laurence larry laurie lars
leonard leo len lenny
leonardo leo leon
lillian lily lilly
louis lewis lou louie luis
louise lou lulu
lucille lucy
lucia lucy
ludwig lutz
luigi gigi
madeleine madeline maddie maddy
magdalena lena magda
manuel manny manolo
marcus mark marc
margaret maggie meg megan peggy greta gretchen daisy margie marge rita
margarita rita
maria marie mary mia mimi ria maryam
martha marty
martin marty
mary molly polly mae mamie
matilda tilly mattie
matthew matt matty
maximilian max
maxwell max
megan meg
melanie mel
melissa mel missy lissa
michael mike mick mickey mikey mischa miguel
michelle shelly micki
mikhail misha
mohammed muhammad mohammad mohamed muhammed mo
nadezhda nadia
natalie nat
natasha tasha natalia
nathan nate nat
nathaniel nathan nate nat
nicholas nicolas nick nicky nico klaus niko
nicole nicky nikki nic
oliver ollie olly
olivia liv livvy
oscar ossie
pamela pam
patricia pat patty patsy tricia trish
patrick pat paddy rick
paul pablo paulie
pauline polly
penelope penny
peter pete pedro
philip phillip phil pip
priscilla cilla
rachel rae shelly
rafael rafa raphael
raymond ray
rebecca rebekah becca becky
reginald reg reggie
richard rich rick ricky dick richie ricardo
robert rob robbie bob bobby bert roberto
roberta bobbie robbie
roderick rod
rodney rod
ronald ron ronnie
rosemary rose rosie
rudolph rudy rolf
samantha sam sammy
samuel sam sammy
sarah sara sally sadie
sebastian seb bastian
simon si
sophia sofia sophie
stanley stan
stephanie steph stefanie
stephen steven steve stevie stefan
susan sue susie suzy
susanna susannah sue suzanne
sylvester sly
tabitha tabby
teresa theresa tess terry tessa
thaddeus thad
theodore theo ted teddy
thomas tom tommy
timothy tim timmy
tobias toby
valerie val
vanessa nessa
veronica ronnie vera
victor vic
victoria vicky tori vic
vincent vince vinnie
virginia ginny
vladimir vova
walter walt wally
wilhelmina mina minnie billie willa
william will bill billy willie liam wilhelm
winifred winnie
yevgeny zhenya
yusuf yousef youssef joseph
zachary zach zack zak
"""
