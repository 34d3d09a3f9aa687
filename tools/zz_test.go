package tools_test
import ("testing";"encoding/json";"fmt";"scanwarden/tools")
func TestZZ(t *testing.T){
 ops,err:=tools.Catalogue(nil)
 if err!=nil{t.Fatal(err)}
 type ann struct{R bool `json:"readOnlyHint"`;D bool `json:"destructiveHint"`; I bool `json:"idempotentHint"`; O bool `json:"openWorldHint"`}
 type tool struct{ A ann `json:"annotations"`; Desc string `json:"description"`; In json.RawMessage `json:"inputSchema"`; N string `json:"name"`; Out json.RawMessage `json:"outputSchema"`; T string `json:"title"`}
 var l struct{ T []tool `json:"tools"`}
 in,out:=0,0
 for _,o:=range ops{ l.T=append(l.T,tool{ann{},o.Description,o.Input,o.Name,o.Output,o.Title}); in+=len(o.Input);out+=len(o.Output)}
 b,_:=json.Marshal(l)
 fmt.Println(len(b),in,out)
}
